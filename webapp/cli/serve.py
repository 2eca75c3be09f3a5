"""``agenticbuilder serve``: all that ``make run`` starts."""

from __future__ import annotations

import http.client
import socket
import time

import click

from webapp.cli.database import say
from webapp.cli.serve_lock import ServeLock
from webapp.cli.supervisor import Child, Supervisor, python_command
from webapp.config import Settings, setup_token
from webapp.database.budget import allowed_connections, fit
from webapp.database.provision import is_embedded, provision
from webapp.database.server import EmbeddedServer

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PORT_WAIT_SECONDS = 15
READY_WAIT_SECONDS = 60


@click.command("serve")
def command() -> None:
    """Start database, worker and web server, and keep them running until Ctrl-C or SIGTERM.

    Data lie in DATA_DIR (var). Without DATABASE_URL an embedded PostgreSQL is started there.
    """
    settings = Settings.from_environment()
    lock = ServeLock(settings.data_dir, web_url(settings))
    web, worker = (Child(name, python_command(name, "--supervised")) for name in ("web", "worker"))
    supervisor = Supervisor([web, worker], say)
    with supervisor.signals():
        try:
            _wait_for_port(settings, PORT_WAIT_SECONDS if lock.was_killed else 0)
            web.start()  # imports while the database starts
            settings = prepare(settings, supervisor)
            web.go(_what_children_need(settings))
            if _wait_until_ready(settings, supervisor):
                worker.start()  # only now, as nobody waits for it
                worker.go(_what_children_need(settings))
                _announce(settings)
                supervisor.watch()
        finally:
            supervisor.stop()
            lock.release()


def prepare(settings: Settings, supervisor: Supervisor) -> Settings:
    """Start and provision the database, bring it to this version, and fit the pools to it."""
    if is_embedded(settings):
        supervisor.server = EmbeddedServer(settings.data_dir)
        supervisor.server.start(say)
    settings = provision(settings)

    from webapp.cli.migrate import bring_up_to_date

    bring_up_to_date(settings)
    budget = fit(settings, allowed_connections(settings.database_url))
    if budget.warning:
        say(f"Warning: {budget.warning}")
    return budget.settings


def web_url(settings: Settings) -> str:
    """How a person on this machine reaches us."""
    host = "localhost" if settings.host in ("0.0.0.0", "::", "") else settings.host
    return settings.public_url or f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _what_children_need(settings: Settings) -> dict[str, object]:
    """What was decided after they were started. Not the owner's URL: they have no business with it."""
    return {name: getattr(settings, name) for name in ("database_url", "pool_size", "max_overflow")}


def _wait_for_port(settings: Settings, seconds: float) -> None:
    """Refuse a taken port at once; after a crash wait, since the old web server gives it up within seconds."""
    give_up = time.monotonic() + seconds
    while True:
        try:
            family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((settings.host, settings.port))
            return
        except OSError as error:
            if time.monotonic() > give_up:
                reason = error.strerror or str(error)
                raise click.ClickException(
                    f"cannot listen on {settings.host}:{settings.port}: {reason}; choose another by PORT"
                ) from None
        time.sleep(0.1)


def _wait_until_ready(settings: Settings, supervisor: Supervisor) -> bool:
    """Wait until pages are answered; False when asked to stop meanwhile.

    Raises:
        ClickException: a child ended before it ever worked, so that restarting would not help.
    """
    give_up = time.monotonic() + READY_WAIT_SECONDS
    while not supervisor.stopping.wait(0.02):
        if dead := next((child for child in supervisor.children if child.has_ended), None):
            raise click.ClickException(f"{dead.name} did not start; its last words are above")
        if _answers(settings):
            return True
        if time.monotonic() > give_up:
            raise click.ClickException(f"the web server does not answer within {READY_WAIT_SECONDS} s")
    return False


def _answers(settings: Settings) -> bool:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "") else settings.host
    connection = http.client.HTTPConnection("::1" if host == "::" else host, settings.port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _announce(settings: Settings) -> None:
    import psycopg

    url = web_url(settings)
    click.echo(f"AgenticBuilder runs at {url}  (Ctrl-C stops it)")
    with psycopg.connect(settings.database_url) as connection:
        (is_first_run,) = connection.execute("SELECT first_run_needed()").fetchone()
    if is_first_run and settings.host in LOOPBACK and not settings.public_url:
        click.echo(f"Create the first account: {url}/setup")
    elif is_first_run:
        click.echo(f"Create the first account, once: {url}/setup?token={setup_token(settings.data_dir)}")
