"""``serve`` keeps everything running through kills and leaves nothing behind, however it ends."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import ROOT, command, data_folder, run_command, variables
from webapp.config import Settings
from webapp.database.provision import provision
from webapp.database.server import EmbeddedServer

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes in /proc")


class Served:
    """A running ``serve`` with its address."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.data_dir, self.port = Path(environment["DATA_DIR"]), int(environment["PORT"])
        self.errors = self.data_dir / "stderr"
        with self.errors.open("a") as errors:
            self.process = subprocess.Popen(
                command("serve"), cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self.process.stdout is not None
        self.lines = [self.process.stdout.readline()]
        assert "runs at" in self.lines[0], self.errors.read_text()
        self.lines.append(self.process.stdout.readline())

    def ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def child(self, name: str) -> int | None:
        """Process id of ``web`` or ``worker``."""
        for process in self.descendants():
            parent, words = process
            if words[-2:] == [name, "--supervised"] and self._parent(parent) == self.process.pid:
                return parent
        return None

    def descendants(self) -> list[tuple[int, list[str]]]:
        """Our processes, by their data folder in the environment, and PostgreSQL's, by its command line."""
        mark, found = f"DATA_DIR={self.data_dir}".encode(), []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").strip("\0").split("\0")
                is_ours = mark in (entry / "environ").read_bytes().split(b"\0") and "webapp.cli" in words
                is_server = f"{self.data_dir}/postgres" in " ".join(words)
            except OSError:
                continue
            if is_ours or is_server:
                found.append((int(entry.name), words))
        return found

    @staticmethod
    def _parent(pid: int) -> int:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


@pytest.fixture
def serve(environment: dict[str, str]) -> Iterator[Callable[..., Served]]:
    started: list[Served] = []

    def start(**variables: str) -> Served:
        started.append(Served(environment | variables))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.terminate()
        each.process.communicate(timeout=30)


def _until(condition: Callable[[], object], seconds: float = 30) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "did not happen in time"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """One that all tests look at which leave it as it is."""
    with data_folder() as folder:
        served = Served(variables(folder))
        yield served
        served.process.terminate()
        served.process.communicate(timeout=30)


def test_tells_where_it_is_and_how_to_begin(served: Served) -> None:
    assert served.lines[0].startswith(f"AgenticBuilder runs at http://127.0.0.1:{served.port} ")
    assert served.lines[1] == f"Create the first account: http://127.0.0.1:{served.port}/setup\n"
    _until(served.ready)


def test_a_second_one_for_the_same_folder_is_refused(served: Served) -> None:
    second = run_command(served.environment, "serve")
    assert second.returncode == 1
    assert len(second.stderr.splitlines()) == 1
    assert f"process {served.process.pid} at http://127.0.0.1:{served.port}" in second.stderr
    assert served.ready()


def test_a_taken_port_is_refused(served: Served, tmp_path: Path) -> None:
    second = run_command(served.environment | {"DATA_DIR": str(tmp_path)}, "serve")
    assert second.returncode == 1
    assert f"cannot listen on 127.0.0.1:{served.port}" in second.stderr
    assert not (tmp_path / "postgres").exists()


def test_the_web_server_does_not_know_the_owner(served: Served) -> None:
    owner = provision(Settings(data_dir=served.data_dir)).database_owner_url
    environment = Path(f"/proc/{served.child('web')}/environ").read_text()
    assert owner not in environment
    with psycopg.connect(owner) as connection:
        others = "SELECT count(*) FROM pg_stat_activity WHERE usename LIKE '%owner' AND pid <> pg_backend_pid()"
        assert connection.execute(others).fetchone()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_everything(serve: Callable[..., Served], number: signal.Signals) -> None:
    served = serve()
    _until(lambda: served.child("worker"))
    served.process.send_signal(number)
    assert served.process.wait(30) == 0
    assert served.descendants() == []


def test_prints_the_one_time_token_where_others_can_reach_it(serve: Callable[..., Served]) -> None:
    served = serve(HOST="0.0.0.0")
    assert "/setup?token=" in served.lines[1]


def test_what_is_killed_comes_back(serve: Callable[..., Served]) -> None:
    served = serve()
    _until(lambda: served.child("worker"))
    web, worker = served.child("web"), served.child("worker")
    os.kill(web, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    _until(lambda: served.child("web") not in (None, web) and served.child("worker") not in (None, worker))
    _until(served.ready)
    os.kill(int((served.data_dir / "postgres/data/postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    _until(lambda: "starting it again" in served.errors.read_text().split("PostgreSQL")[-1])
    _until(served.ready)
    _until(lambda: _heartbeat_is_fresh(served.data_dir))


def _heartbeat_is_fresh(data_dir: Path) -> bool:
    """Whether the worker has reached the database again after its restart."""
    settings = provision(Settings(data_dir=data_dir))
    query = (
        "SELECT count(*) FROM procrastinate_workers"
        " WHERE last_heartbeat > greatest(now() - interval '10 s', pg_postmaster_start_time())"
    )
    with psycopg.connect(settings.database_url) as connection:
        return connection.execute(query).fetchone()[0] > 0


def test_starts_again_after_its_own_kill(serve: Callable[..., Served]) -> None:
    first = serve()
    first.process.kill()
    first.process.wait()
    second = serve()
    _until(second.ready)
    _until(lambda: second.child("worker"))
    second.process.terminate()
    assert second.process.wait(20) == 0
    assert second.descendants() == []


def test_serves_a_foreign_database_and_leaves_it_running(serve: Callable[..., Served], data_dir: Path) -> None:
    foreign = EmbeddedServer(data_dir / "foreign")
    foreign.start()
    with psycopg.connect(foreign.admin_url(), autocommit=True) as connection:
        connection.execute("CREATE ROLE boss LOGIN CREATEROLE PASSWORD 'x'")
        connection.execute("CREATE DATABASE work OWNER boss")
    served = serve(DATABASE_URL=foreign.url("boss", "x", "work"))
    _until(served.ready)
    assert not (data_dir / "postgres").exists()
    served.process.terminate()
    assert served.process.wait(20) == 0
    assert foreign.is_running()
    foreign.stop()
