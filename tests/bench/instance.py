"""A whole product of one's own for benchmarks and fault tests: its own folder, port, database, first key."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from webapp.config import Settings
from webapp.database.provision import provision
from webapp.database.server import EmbeddedServer

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 90


class Instance:
    """One running ``agenticbuilder serve`` in a folder that goes with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.key = ""
        self.organization_id = ""

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATABASE_", "AGENTIC"))}
        return kept | {"DATA_DIR": str(self.folder), "PORT": str(self.port), "HOST": "127.0.0.1"}

    @property
    def server(self) -> EmbeddedServer:
        return EmbeddedServer(self.folder)

    @property
    def settings(self) -> Settings:
        return provision(Settings(data_dir=self.folder))

    def set_up(self) -> None:
        """Create the organization and its key; the instance must not run yet."""
        command = [sys.executable, "-m", "webapp.cli", "setup", "--email", "bench@example.org", "--password-stdin"]
        answer = subprocess.run(
            [*command, "--organization", "Bench"],
            input=b"correct horse battery staple\n", env=self.environment, cwd=ROOT, check=True, capture_output=True,
        )  # fmt: skip
        first = json.loads(answer.stdout)
        self.key, self.organization_id = first["api_key"], first["organization_id"]

    def start(self) -> None:
        """Start and wait until it answers."""
        command = [sys.executable, "-m", "webapp.cli", "serve"]
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, cwd=ROOT, stdout=log, stderr=log)
        self.wait_until_ready()

    def wait_until_ready(self) -> float:
        """Return the seconds until pages are answered again."""
        begin = time.monotonic()
        while time.monotonic() - begin < READY_SECONDS:
            if self.is_ready():
                return time.monotonic() - begin
            time.sleep(0.05)
        raise AssertionError(f"not ready after {READY_SECONDS} s: {self.last_words()}")

    def is_ready(self) -> bool:
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection,
        ):
            connection.request("GET", "/readyz", headers={"Connection": "close"})
            answer = connection.getresponse()
            answer.read()
            return answer.status == 200
        return False

    def last_words(self) -> str:
        return (self.folder / "serve.log").read_text(errors="replace")[-2000:]

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.server.stop()

    def connect(self) -> psycopg.Connection:
        """Connect as the owner, who sees everything."""
        return psycopg.connect(self.settings.database_owner_url, autocommit=True)


@contextlib.contextmanager
def instance() -> Iterator[Instance]:
    """A running instance; everything of it is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="ab-bench-"))
    own = Instance(folder)
    try:
        own.set_up()
        own.start()
        yield own
    finally:
        own.stop()
        home = own.server.home
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
