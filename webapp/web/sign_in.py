"""What every sign-in needs of the request: who guesses how often, from where, and the cookie that answers it."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from flask import Response, current_app, request
from werkzeug.exceptions import TooManyRequests

from webapp.config import Settings
from webapp.domain.session_tokens import NewToken, token_hash
from webapp.extensions import db
from webapp.features.accounts.operations_all_orgs import Device
from webapp.web import rate_limit
from webapp.web.authentication import cookie_name, set_session_cookie
from webapp.web.rate_limit import Bucket

# A person who mistypes has five tries and a new one each minute. The wider two stop one account from being guessed from
# many addresses, and many accounts from one, without locking a whole office out.
HERE = Bucket("account and address", 5, 60)
ACCOUNT = Bucket("account", 30, 30)
ADDRESS = Bucket("address", 60, 5)


def settings() -> Settings:
    """The settings of the running application."""
    return current_app.config["SETTINGS"]


def device() -> Device:
    """Address and browser of the request, without characters that would break a line of a log."""
    agent = "".join(letter for letter in request.headers.get("User-Agent", "") if letter.isprintable())
    return Device(request.remote_addr, agent)


def lifetime() -> timedelta:
    """How long a session lasts at most, however much it is used."""
    return timedelta(hours=settings().session_max_hours)


def present_token_hash() -> bytes | None:
    """The hash of the session token that came with the request."""
    token = request.cookies.get(cookie_name(settings().is_https))
    return token_hash(token) if token else None


def hand_over(response: Response, token: NewToken, *, remember: bool) -> Response:
    """Put the new session into the browser: until it closes, or as long as the session may last."""
    max_age = math.floor(lifetime().total_seconds()) if remember else None
    return set_session_cookie(response, token.text, is_https=settings().is_https, max_age=max_age)


def count_try(account: str, *, now: datetime) -> int:
    """Count one check of a password; answers how many tries are left, refuses with 429 when there was none."""
    address = request.remote_addr or ""
    wanted = [(HERE, f"{account}\0{address}"), (ACCOUNT, account), (ADDRESS, address)]
    verdict = rate_limit.take(db.engine, wanted, now=now)
    if not verdict.is_granted:
        refuse_tries(verdict.retry_after)
    return verdict.left


def forgive_tries(account: str) -> None:
    """Forget this browser's wrong tries for the account, after the right password."""
    rate_limit.forgive(db.engine, [(HERE, f"{account}\0{request.remote_addr or ''}")])


def refuse_tries(seconds: int) -> None:
    """Answer 429 and say when to come back."""
    wait = f"{seconds} seconds" if seconds < 90 else f"{math.ceil(seconds / 60)} minutes"
    raise TooManyRequests(f"Too many tries with a wrong password. Try again in {wait}.", retry_after=seconds)
