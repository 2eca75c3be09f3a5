"""All settings of the product, read once from the environment into one frozen object.

Names the outside relies on: ``PORT``, ``HOST``, ``DATA_DIR``, ``DATABASE_URL``, ``DATABASE_OWNER_URL``. Every other
setting is named ``AGENTICBUILDER_*``; an unknown name with that prefix stops the start, since a misspelt setting is
otherwise silent.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PREFIX = "AGENTICBUILDER_"


class BadSetting(ValueError):
    """A setting has a value that cannot be used; the message names the setting."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator chose. Sizes are in connections, times in seconds, ``max_body_bytes`` after inflation."""

    data_dir: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    database_url: str = ""
    database_owner_url: str = ""
    pool_size: int = 20
    max_overflow: int = 40
    pool_recycle: int = 3600
    pool_timeout: int = 4
    statement_timeout_ms: int = 15_000
    web_workers: int = 2
    web_threads: int = 16
    max_body_bytes: int = 16 * 1024 * 1024
    session_idle_hours: int = 24 * 14
    session_max_hours: int = 24 * 60
    trusted_proxies: int = 0
    outbound_allow: str = ""
    smtp_host: str = ""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: str = ""
    smtp_from: str = ""
    smtp_tls: str = "starttls"
    log_level: str = "info"
    testing: bool = False

    @property
    def is_https(self) -> bool:
        """Whether people reach us by HTTPS, which decides cookie names and HSTS."""
        return self.public_url.startswith("https://")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Raises:
            BadSetting: a value is not of its type, or a name with our prefix is unknown.
        """
        env = os.environ if environment is None else environment
        plain = {"DATA_DIR": "data_dir", "HOST": "host", "PORT": "port"}
        plain |= {"DATABASE_URL": "database_url", "DATABASE_OWNER_URL": "database_owner_url"}
        names = plain | {PREFIX + f.upper(): f for f in cls.__dataclass_fields__ if f not in plain.values()}
        unknown = sorted(name for name in env if name.startswith(PREFIX) and name not in names)
        if unknown:
            raise BadSetting(f"unknown setting {unknown[0]}; known are {', '.join(sorted(names))}")
        values = {field: _typed(cls, name, field, env[name]) for name, field in names.items() if env.get(name)}
        return cls(**values)


def _typed(cls: type[Settings], name: str, field: str, text: str) -> object:
    default = cls.__dataclass_fields__[field].default
    try:
        if isinstance(default, bool):
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]
        if isinstance(default, int):
            return int(text)
        return Path(text) if isinstance(default, Path) else text
    except (ValueError, KeyError):
        kind = type(default).__name__
        raise BadSetting(f"{name}={text!r} is not a valid {kind}") from None


def instance_secret(data_dir: Path) -> bytes:
    """The random key of this instance, made on first use in ``data_dir/secret.key`` with mode 0600."""
    path = data_dir / "secret.key"
    try:
        return path.read_bytes()
    except FileNotFoundError:
        data_dir.mkdir(parents=True, exist_ok=True)
    key = secrets.token_bytes(32)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        file.write(key)
    return key


def setup_token(data_dir: Path) -> str:
    """The token in the URL that the server prints at a first start that others than this machine can reach.

    It follows from the instance's key, so printing and checking need no common store; compare it with
    ``hmac.compare_digest``. It is good for one set-up only, as the set-up page is gone once there is a user.
    """
    return hmac.new(instance_secret(data_dir), b"first set-up", "sha256").hexdigest()[:32]
