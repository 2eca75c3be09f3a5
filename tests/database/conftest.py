"""A data folder of its own for tests that start and stop servers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from webapp.database.server import EmbeddedServer


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder with a short path, since sockets have a limit; what runs in it is stopped afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ab-"))
    yield folder
    for place in [folder, *folder.rglob("postgres")]:
        if place.name == "postgres" and (place / "data").exists():
            server = EmbeddedServer(place.parent)
            server.stop()
            shutil.rmtree(server.home, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def server(data_dir: Path) -> EmbeddedServer:
    return EmbeddedServer(data_dir)
