"""The embedded server starts, is found, survives kills and never answers for another process."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import psycopg
import pytest

from webapp.database import os_user
from webapp.database.errors import DatabaseProblem
from webapp.database.server import EmbeddedServer

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as another user")


def _pid(server: EmbeddedServer) -> int:
    return int((server.cluster / "postmaster.pid").read_text().split()[0])


def _show(server: EmbeddedServer, setting: str) -> str:
    with psycopg.connect(server.admin_url()) as connection:
        return connection.execute(f"SHOW {setting}").fetchone()[0]


def test_starts_stops_and_keeps_data(server: EmbeddedServer) -> None:
    assert not server.is_running()
    server.start()
    server.start()  # a second time changes nothing
    with psycopg.connect(server.admin_url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS n")
    server.stop()
    assert not server.is_running()
    server.stop()
    server.start()
    with psycopg.connect(server.admin_url()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (1,)


def test_is_set_up_for_the_product(server: EmbeddedServer) -> None:
    server.start()
    wanted = {
        "max_connections": "200",
        "synchronous_commit": "on",
        "jit": "off",
        "wal_compression": "pglz",
        "listen_addresses": "",
        "server_encoding": "UTF8",
        "fsync": "on",
    }
    assert {name: _show(server, name) for name in wanted} == wanted


def test_survives_sigkill_with_a_busy_query(server: EmbeddedServer) -> None:
    server.start()
    busy = psycopg.connect(server.admin_url(), autocommit=True)
    busy.execute("CREATE TABLE committed AS SELECT 1 AS n")
    query = threading.Thread(target=lambda: pytest.raises(psycopg.Error, busy.execute, "SELECT pg_sleep(300)"))
    query.start()
    os.kill(_pid(server), signal.SIGKILL)
    server.start()
    query.join(20)
    assert not query.is_alive()
    with psycopg.connect(server.admin_url()) as connection:
        assert connection.execute("SELECT n FROM committed").fetchone() == (1,)


def test_is_not_fooled_by_a_process_that_took_over_the_process_id(server: EmbeddedServer) -> None:
    server.start()
    pid_file = server.cluster / "postmaster.pid"
    text = pid_file.read_text()
    server.stop()
    options = {} if server.user.is_us else {"user": server.user.uid}
    with subprocess.Popen(["sleep", "300"], **options) as stranger:
        pid_file.write_text(text.replace(text.split()[0], str(stranger.pid), 1))
        assert not server.is_running()
        assert not server.process_exists()
        server.start()
        assert server.is_running()
        assert _pid(server) != stranger.pid
        stranger.kill()


def test_uses_a_short_socket_path_in_a_deep_folder(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir / ("x" * 50) / ("y" * 50))
    server.start()
    assert server.is_running()
    assert len(str(server.socket_dir)) < 80
    server.stop()


def test_two_folders_have_two_servers(data_dir: Path) -> None:
    first, second = EmbeddedServer(data_dir / "a"), EmbeddedServer(data_dir / "b")
    first.start()
    second.start()
    assert _show(first, "data_directory") != _show(second, "data_directory")
    first.stop()
    assert second.is_running()
    second.stop()


def test_says_in_one_line_why_it_does_not_start(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    with (server.cluster / "postgresql.auto.conf").open("a") as file:
        file.write("shared_buffers = nonsense\n")
    with pytest.raises(DatabaseProblem, match="does not start: .*contains errors") as caught:
        server.start()
    assert "\n" not in str(caught.value)


def test_refuses_a_cluster_of_another_version(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    (server.cluster / "PG_VERSION").write_text("15\n")
    with pytest.raises(DatabaseProblem, match="was made by PostgreSQL 15"):
        server.start()


@AS_ROOT
def test_runs_as_an_unprivileged_user_and_lets_no_other_in(server: EmbeddedServer) -> None:
    server.start()
    assert Path(f"/proc/{_pid(server)}").stat().st_uid not in (0, os.geteuid())
    assert server.home.stat().st_mode & 0o777 == 0o700
    psql = [str(server.programs / "psql"), server.admin_url(), "-Atc", "SELECT 1"]
    assert subprocess.run(psql, cwd="/", capture_output=True, text=True).stdout == "1\n"
    stranger = subprocess.run(psql, cwd="/", capture_output=True, text=True, user=65534)
    assert stranger.returncode != 0


@AS_ROOT
def test_finds_a_reachable_place_without_opening_closed_parents(data_dir: Path) -> None:
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    server = EmbeddedServer(closed / "data")
    server.start()
    assert closed.stat().st_mode & 0o777 == 0o700
    assert (closed / "data" / "postgres").is_symlink()
    server.stop()
    again = EmbeddedServer(closed / "data")
    again.start()
    assert again.home == server.home
    again.stop()


@AS_ROOT
def test_a_lost_place_is_not_replaced_by_an_empty_database(data_dir: Path) -> None:
    (data_dir / "postgres").symlink_to(data_dir / "gone")
    with pytest.raises(DatabaseProblem, match="does not exist"):
        EmbeddedServer(data_dir).start()


@AS_ROOT
def test_copies_programs_out_of_a_closed_folder(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from webapp.database.server import installed_package

    monkeypatch.setattr(os_user, "REACHABLE", data_dir / "reachable")
    data_dir.chmod(0o755)
    closed = data_dir / "closed"
    closed.mkdir(mode=0o700)
    package = installed_package()
    for name in (package.name, f"{package.name}.libs"):
        (closed / name).symlink_to(package.parent / name)
    programs = os_user.server_programs(os_user.server_user(), closed / package.name)
    assert (data_dir / "reachable") in programs.parents
    assert os_user.server_user().run(programs / "initdb", "--version").returncode == 0
