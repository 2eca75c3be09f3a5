"""Run the command as a person does, in a data folder of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from webapp.database.server import EmbeddedServer

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """A folder with a short path; an embedded server that was left in it is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="ab-"))
    yield folder
    server = EmbeddedServer(folder)
    if (folder / "postgres").exists():
        server.stop()
        shutil.rmtree(server.home, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def variables(data_dir: Path) -> dict[str, str]:
    """Settings by environment; nothing of the machine's own leaks in."""
    ours = ("AGENTICBUILDER_", "DATABASE_", "TEST_RUN_DIR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    wanted = {"DATA_DIR": str(data_dir), "PORT": str(free_port()), "HOST": "127.0.0.1", "PYTHONUNBUFFERED": "1"}
    return kept | wanted


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with data_folder() as folder:
        yield folder


@pytest.fixture
def environment(data_dir: Path) -> dict[str, str]:
    return variables(data_dir)


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """``run("setup", "--email", ..., stdin="...")``"""

    def run(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return run_command(environment | variables, *arguments, stdin=stdin)

    return run


def run_command(environment: dict[str, str], *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    options = {"input": stdin, "capture_output": True, "text": True, "timeout": 120}
    return subprocess.run(command(*arguments), cwd=ROOT, env=environment, **options)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "webapp.cli", *arguments]
