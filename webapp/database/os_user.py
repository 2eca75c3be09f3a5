"""Which operating-system user runs the embedded server, and which folders that user can reach.

PostgreSQL refuses to run as root. As root we therefore run it as a system user of our own; permissions of folders that
we did not make are never widened for it. Where it cannot reach the data folder or the programs, they are placed below
``/var/lib``.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from webapp.database.errors import DatabaseProblem

SYSTEM_USER = "agenticbuilder"
REACHABLE = Path("/var/lib/agenticbuilder")


@dataclass(frozen=True, slots=True)
class OsUser:
    """The user that owns the server's process and files."""

    name: str
    uid: int
    gid: int

    @property
    def is_us(self) -> bool:
        return self.uid == os.geteuid()

    def run(self, *command: str | Path, **options) -> subprocess.CompletedProcess[str]:
        """Run one program as this user in a clean environment; output is captured as text."""
        if not self.is_us:
            options |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        env = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
        return subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            cwd="/",
            env=env | {"LC_ALL": "C"},
            check=False,
            **options,
        )

    def can(self, test: str, path: Path) -> bool:
        """Whether this user passes ``test`` (``-x``, ``-r``, ``-w`` of the shell's test) on ``path``."""
        return self.run("/bin/sh", "-c", f'test {test} "$1"', "sh", path).returncode == 0


def server_user() -> OsUser:
    """We ourselves, or as root the unprivileged user, made on first use.

    Raises:
        DatabaseProblem: we are root and no such user can be made.
    """
    if os.geteuid() != 0:
        entry = pwd.getpwuid(os.geteuid())
        return OsUser(entry.pw_name, entry.pw_uid, entry.pw_gid)
    if (user := _named(SYSTEM_USER)) is None:
        _make_system_user()
        user = _named(SYSTEM_USER) or _named("postgres")
    if user is None:
        raise DatabaseProblem(
            f"PostgreSQL cannot run as root and the user {SYSTEM_USER} could not be made; "
            f"make it (useradd --system {SYSTEM_USER}), start as an ordinary user, or set DATABASE_URL"
        )
    return user


def _named(name: str) -> OsUser | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return OsUser(name, entry.pw_uid, entry.pw_gid)


def _make_system_user() -> None:
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", str(REACHABLE), "--shell", "/bin/false"]
    for program in ("/usr/sbin/useradd", "useradd"):
        if shutil.which(program):
            subprocess.run([program, *options, SYSTEM_USER], capture_output=True, check=False)
            return
    if shutil.which("adduser"):  # BusyBox
        subprocess.run(["adduser", "-S", "-D", "-H", SYSTEM_USER], capture_output=True, check=False)


def server_home(data_dir: Path, user: OsUser) -> Path:
    """The server's own folder ``data_dir/postgres``, owned by ``user`` with mode 0700.

    Where ``user`` cannot reach ``data_dir``, the folder is made below ``/var/lib/agenticbuilder`` under a fresh name
    and ``data_dir/postgres`` becomes a symbolic link to it, so that a removed data folder never finds an old database.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    home = data_dir.resolve() / "postgres"
    if home.is_symlink():
        if not home.exists():
            raise DatabaseProblem(
                f"{home} points to {home.readlink()}, which does not exist; the database was moved or removed"
            )
        return home.resolve()
    if not home.exists() and not user.is_us and not _admit(data_dir.resolve(), user):
        REACHABLE.mkdir(mode=0o755, parents=True, exist_ok=True)
        place = REACHABLE / f"postgres-{secrets.token_hex(6)}"
        _make_private(place, user)
        home.symlink_to(place)
        return place
    if not home.exists():
        _make_private(home, user)
    if not user.can("-w", home):
        raise DatabaseProblem(
            f"{home} cannot be written by the user {user.name}; make its parent folders traversable for it"
        )
    return home


def _admit(data_dir: Path, user: OsUser) -> bool:
    """Let ``user`` pass through the data folder itself (not its parents); whether that suffices."""
    if not user.can("-x", data_dir) and data_dir.stat().st_uid == os.geteuid():
        os.chown(data_dir, -1, user.gid)
        data_dir.chmod(data_dir.stat().st_mode | 0o010)
    return user.can("-x", data_dir)


def _make_private(folder: Path, user: OsUser) -> None:
    folder.mkdir(mode=0o700)
    if not user.is_us:
        os.chown(folder, user.uid, user.gid)


def server_programs(user: OsUser, package: Path) -> Path:
    """The folder of ``postgres``, ``initdb`` and the others that ``user`` may execute.

    ``package`` is the installed Python package that brings them. Where it stands in a closed folder, such as root's
    home, a copy below ``/var/lib`` serves, made once per build.
    """
    inside = Path("pginstall", "bin")
    if user.is_us or _can_execute(user, package / inside):
        return package / inside
    stamp = int((package / inside / "postgres").stat().st_mtime)
    copy = REACHABLE / f"programs-{stamp}"
    if not _can_execute(user, copy / package.name / inside):
        _copy_programs(package, copy)
    return copy / package.name / inside


def _copy_programs(package: Path, copy: Path) -> None:
    """Copy programs and the libraries beside the package, which they find by their relative place; readable by all."""
    REACHABLE.mkdir(mode=0o755, parents=True, exist_ok=True)
    fresh = REACHABLE / f"programs-{secrets.token_hex(6)}"
    parts = [Path(package.name, "pginstall", part) for part in ("bin", "lib", "share")] + [Path(f"{package.name}.libs")]
    for part in parts:
        if (package.parent / part).exists():
            shutil.copytree(package.parent / part, fresh / part, symlinks=True)
    for path in [fresh, *fresh.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    shutil.rmtree(copy, ignore_errors=True)
    try:
        fresh.rename(copy)
    except OSError:  # another start made the same copy meanwhile
        shutil.rmtree(fresh)


def _can_execute(user: OsUser, programs: Path) -> bool:
    try:
        return all(user.run(programs / name, "--version").returncode == 0 for name in ("postgres", "initdb"))
    except OSError:
        return False
