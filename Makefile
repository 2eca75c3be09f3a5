# AgenticBuilder: everything starts here. `make` alone lists the targets.
#
# Needs Python >= 3.11 and make. Packages come from the registry that pip is configured for, each checked against its hash.

PORT ?= 8000
DATA_DIR ?= var
PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11 python,\
	$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
WORKERS ?= 2
BIN := .venv/bin
export PORT DATA_DIR

# A checkout that was moved needs its .venv anew: the programs in it begin with the old path.
ifneq ($(shell cat .venv/installed-at 2>/dev/null),$(CURDIR))
.PHONY: .venv/bin/python
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install run demo test lint format browser clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile

install: .venv/installed ## make .venv and install the product into it

run: .venv/installed ## start database, worker and web on PORT (8000), data in DATA_DIR (var); Ctrl-C stops all
	@exec $(BIN)/agenticbuilder serve

demo: .venv/installed ## fill an organization with 90 days of demo data
	@exec $(BIN)/agenticbuilder demo

test: .venv/installed-dev browser ## the whole test suite; ARGS="tests/cli -k serve" for a part
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

lint: .venv/installed-dev ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/installed-dev ## put imports and formatting right
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove .venv and caches; data stays
	rm -rf .venv .pytest_cache .ruff_cache build *.egg-info

# Debian without python3-venv has no ensurepip: then the system's pip installs into the .venv.
.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with make PYTHON=/path/to/python" >&2; exit 1; }
	@rm -rf .venv
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || { rm -rf .venv && $(PYTHON) -m venv --without-pip .venv; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m pip --version >/dev/null 2>&1 || \
		{ rm -rf .venv; echo "$(PYTHON) has neither ensurepip nor pip; install python3-venv or python3-pip" >&2; exit 1; }
	@echo "$(CURDIR)" > .venv/installed-at

PIP = $(if $(shell $(BIN)/python -m pip --version 2>/dev/null),$(BIN)/python -m pip,$(PYTHON) -m pip --python $(BIN)/python)
PIP_OPTIONS = --quiet --disable-pip-version-check --no-input --root-user-action=ignore

.venv/installed: .venv/bin/python requirements.lock pyproject.toml
	@echo "Installing (once) ..."
	@$(PIP) install $(PIP_OPTIONS) --require-hashes --requirement requirements.lock
	@$(PIP) install $(PIP_OPTIONS) --no-deps --editable .
	@$(BIN)/python -m compileall -q webapp migrations
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	@echo "Installing what tests need (once) ..."
	@$(PIP) install $(PIP_OPTIONS) --require-hashes --requirement requirements-dev.lock
	@touch $@

CHROMIUM = command -v chromium || command -v chromium-browser || command -v google-chrome
APT_INSTALL = apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	chromium fonts-noto-cjk

browser: ## install Chromium for the browser tests where the system's packages may be installed
	@{ $(CHROMIUM); } >/dev/null || { \
		if ! command -v apt-get >/dev/null; then false; \
		elif [ "$$(id -u)" = 0 ]; then sh -c '$(APT_INSTALL)' >/dev/null; \
		else sudo -n sh -c '$(APT_INSTALL)' >/dev/null 2>&1; fi; \
	} || echo "No Chromium, and it cannot be installed here: browser tests are skipped. Install the package chromium." >&2
