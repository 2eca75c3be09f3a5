"""One ``serve`` for each data folder, known by a lock that the kernel lifts when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import TextIO

import click

NAME = "serve.lock"


class ServeLock:
    """Held by the running ``serve``; the file says which process and where it listens."""

    def __init__(self, data_dir: Path, url: str) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = (data_dir / NAME).open("a+")
        if not _lock(self._file):
            holder = _content(self._file)
            raise click.ClickException(
                f"already running for {data_dir}: process {holder.get('pid', '?')} at {holder.get('url', '?')}"
            )
        self.was_killed = bool(_content(self._file))
        self._write(json.dumps({"pid": os.getpid(), "url": url}))

    def release(self) -> None:
        """Empty the file, so that the next start knows that this one ended by itself."""
        self._write("")
        self._file.close()

    def _write(self, text: str) -> None:
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()


def is_serving(data_dir: Path) -> bool:
    try:
        with (data_dir / NAME).open("r+") as file:
            return not _lock(file)
    except FileNotFoundError:
        return False


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _content(file: TextIO) -> dict[str, object]:
    file.seek(0)
    try:
        return json.loads(file.read() or "{}")
    except ValueError:
        return {}
