"""``agenticbuilder web``: gunicorn with threads, in this process."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import click

from webapp.cli.database import running_database
from webapp.cli.supervised import receive_settings
from webapp.config import Settings


@click.command("web")
@click.option("--supervised", is_flag=True, hidden=True)
def command(supervised: bool) -> None:
    """Start the web server on HOST and PORT. The database must run and be migrated."""
    settings = Settings.from_environment()
    if supervised:
        import webapp.cli.preload  # noqa: F401 - while the database starts

        settings = receive_settings(settings)
    else:
        settings = running_database(settings)
    serve_http(settings)


def serve_http(settings: Settings) -> None:
    """Serve until SIGTERM. The application is built once and the workers are forked from it."""
    from gunicorn.app.base import BaseApplication

    from webapp import create_app

    class Server(BaseApplication):
        def load_config(self) -> None:
            for name, value in gunicorn_options(settings).items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return create_app(settings)

    Server().run()


def gunicorn_options(settings: Settings) -> dict[str, object]:
    shared_memory = Path("/dev/shm")
    return {
        "bind": [f"{bracketed(settings.host)}:{settings.port}"],
        "workers": settings.web_workers,
        "worker_class": "gthread",
        "threads": settings.web_threads,
        "preload_app": True,
        "control_socket_disable": True,
        "graceful_timeout": 5,
        "timeout": 60,
        "keepalive": 30,
        "backlog": 1024,
        "loglevel": "warning",
        "proc_name": "agenticbuilder",
        "post_fork": collect_less_often,
        "worker_tmp_dir": str(shared_memory)
        if shared_memory.is_dir()
        else None,  # a slow disk must not look like a hang
    }


def collect_less_often(server: object, worker: object) -> None:
    """Leave what was imported out of garbage collection, and collect less often: an export makes many small objects
    and hardly a ring of them. Measured: 7 % of a web process's time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
