"""Keep the web server, the worker and the embedded database running, and stop them together."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from webapp.database.errors import DatabaseProblem
from webapp.database.server import EmbeddedServer

LOOK_SECONDS = 0.25
STOP_SECONDS = 8  # then a child is killed: its requests had their time, its jobs start again later
LONGEST_PAUSE = 5.0


@dataclass
class Child:
    """One process of ours. It gets its settings as a line on stdin and ends by itself when that pipe closes."""

    name: str
    command: list[str]
    patch: dict[str, object] | None = None
    process: subprocess.Popen[bytes] | None = None
    pause: float = 0.1
    start_at: float = field(default=0.0)

    def start(self) -> None:
        """Start in a session of its own, so that Ctrl-C in the terminal reaches the supervisor alone."""
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, start_new_session=True)
        self.start_at = time.monotonic()
        if self.patch is not None:
            self.go(self.patch)

    def go(self, patch: dict[str, object]) -> None:
        """Hand over what was unknown when the process was started: where the database is, how large the pools are."""
        self.patch = patch
        assert self.process is not None and self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(patch).encode() + b"\n")
            self.process.stdin.flush()

    @property
    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def signal(self, number: int) -> None:
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if number == signal.SIGKILL:
                    os.killpg(self.process.pid, number)  # gunicorn's workers too
                else:
                    self.process.send_signal(number)


def python_command(*arguments: str) -> list[str]:
    """The same program under the same Python, also where the script is not on PATH."""
    return [sys.executable, "-m", "webapp.cli", *arguments]


class Supervisor:
    """Restarts children that die, and the embedded database (``server``, None for a foreign one)."""

    def __init__(self, children: list[Child], say: Callable[[str], None]) -> None:
        self.children = children
        self.server: EmbeddedServer | None = None
        self.say = say
        self.stopping = threading.Event()

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """SIGTERM, Ctrl-C and a closed terminal ask for the end; a second time they end it at once."""

        def on_signal(number: int, frame: object) -> None:
            if self.stopping.is_set():
                for child in self.children:
                    child.signal(signal.SIGKILL)
            self.stopping.set()

        before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def watch(self) -> None:
        """Return when asked to stop."""
        while not self.stopping.wait(LOOK_SECONDS):
            self._keep_database()
            for child in self.children:
                if child.has_ended:
                    self._restart(child)

    def _keep_database(self) -> None:
        if self.server is None or self.server.process_exists():
            return
        self.say("PostgreSQL ended; starting it again")
        try:
            self.server.start(self.say)
        except DatabaseProblem as problem:
            self.say(str(problem))
            self.stopping.wait(LONGEST_PAUSE)

    def _restart(self, child: Child) -> None:
        """Start again; the pause doubles while it keeps dying within seconds."""
        assert child.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.process.pid, signal.SIGKILL)  # gunicorn's workers would hold the port
        lived = time.monotonic() - child.start_at
        child.pause = min(child.pause * 2, LONGEST_PAUSE) if lived < LONGEST_PAUSE else 0.1
        self.say(f"{child.name} ended (code {child.process.returncode}); starting it again")
        if not self.stopping.wait(child.pause):
            child.start()

    def stop(self) -> None:
        """Stop children and then the database; what does not end in time is killed."""
        for child in self.children:
            child.signal(signal.SIGTERM)
        give_up = time.monotonic() + STOP_SECONDS
        for child in self.children:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, give_up - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.signal(signal.SIGKILL)
                child.process.wait()
        if self.server is not None:
            self.server.stop()
