"""Run the command as a person does, in a data folder of its own."""

from __future__ import annotations

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


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="ab-"))
    yield folder
    server = EmbeddedServer(folder)
    if (folder / "postgres").exists():
        server.stop()
        shutil.rmtree(server.home, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def environment(data_dir: Path, port: int) -> dict[str, str]:
    """Settings by environment; nothing of the machine's own leaks in."""
    ours = ("AGENTICBUILDER_", "DATABASE_", "TEST_RUN_DIR")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"DATA_DIR": str(data_dir), "PORT": str(port), "HOST": "127.0.0.1", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """``run("setup", "--email", ..., stdin="...")``"""

    def run(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments),
            cwd=ROOT,
            env=environment | variables,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "webapp.cli", *arguments]
