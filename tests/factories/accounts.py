"""People and organizations."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

from tests.factories.base import factory
from webapp.models import (
    BrowserSession,
    Invitation,
    MemberRole,
    Organization,
    OrganizationMember,
    SavedView,
    Team,
    TeamMember,
    User,
    UserSettings,
)


def _in_two_weeks(number: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=14)


make_user = factory(
    User,
    email=lambda n: f"person{n}@example.org",
    username=lambda n: f"person{n}",
    full_name=lambda n: f"Person {n}",
    password_hash="!",
)
make_organization = factory(Organization, name=lambda n: f"Organization {n}", slug=lambda n: f"organization-{n}")
make_organization_member = factory(OrganizationMember, role=MemberRole.MEMBER.value)
make_invitation = factory(
    Invitation,
    email=lambda n: f"guest{n}@example.org",
    token_hash=lambda n: secrets.token_bytes(32),
    expires_at=_in_two_weeks,
)
make_team = factory(Team, name=lambda n: f"Team {n}")
make_team_member = factory(TeamMember)
make_user_settings = factory(UserSettings)
make_browser_session = factory(BrowserSession, token_hash=lambda n: secrets.token_bytes(32), expires_at=_in_two_weeks)
make_saved_view = factory(SavedView, page="executions", name=lambda n: f"View {n}", query="status=failed")
