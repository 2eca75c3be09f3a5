"""Create the first admin and the first organization, exactly once."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from webapp.domain.api_keys import FIRST_KEY_SCOPES
from webapp.domain.emails import is_email, tidy_email
from webapp.domain.errors import Conflict, Invalid
from webapp.domain.passwords import password_problem
from webapp.domain.time_zones import zone_names
from webapp.features.accounts.password_hashes import hash_password
from webapp.features.accounts.queries_all_orgs import is_first_run
from webapp.features.api_keys.operations import add_key
from webapp.features.events.operations import AuthorId
from webapp.features.organizations.operations import add_organization
from webapp.models import User, UserRole, new_id

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('agenticbuilder first run', 0))")


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """What the first run made. ``api_key`` is shown once and stored nowhere."""

    organization_id: UUID
    user_id: UUID
    api_key: str = field(repr=False)


def create_first_admin(
    session: Session,
    email: str,
    password: str,
    organization_name: str,
    full_name: str | None = None,
    timezone: str = "UTC",
) -> FirstAdmin:
    """Create the instance's admin, their organization and an API key in the caller's transaction.

    Leaves the session turned to the new organization.

    Raises:
        Conflict: somebody has an account here already.
        Invalid: email, password, organization name or time zone cannot be used.
    """
    email, organization_name = tidy_email(email), organization_name.strip()
    _check(email, password, organization_name, timezone)
    password_hash = hash_password(password)
    session.execute(LOCK)
    if not is_first_run(session):
        raise Conflict("This server is set up already. Sign in with the account that was made then.")
    user = User(
        id=new_id(),
        email=email,
        username=email[:100],
        password_hash=password_hash,
        full_name=(full_name or "").strip() or None,
        role=UserRole.ADMIN,
    )
    session.add(user)
    session.flush()
    organization_id = add_organization(
        session, user.id, name=organization_name, timezone=timezone, now=datetime.now(UTC)
    )
    key = add_key(session, AuthorId(organization_id, user.id), name="First key", scopes=FIRST_KEY_SCOPES)
    return FirstAdmin(organization_id, user.id, key.text)


def _check(email: str, password: str, organization_name: str, timezone: str) -> None:
    if not is_email(email):
        raise Invalid("Enter an email address such as name@example.com.", field="email")
    problem = password_problem(password, email=email)
    if problem:
        raise Invalid(problem, field="password")
    if not 0 < len(organization_name) <= 255 or not organization_name.isprintable():
        raise Invalid("Name the organization with 1 to 255 printable characters.", field="organization_name")
    if timezone not in zone_names():
        raise Invalid("There is no such time zone. Use a name such as Asia/Seoul.", field="timezone")
