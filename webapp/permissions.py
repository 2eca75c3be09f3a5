"""What a role may do: one enum of permissions and one dict from roles to permissions.

The permission matrix that administrators see is drawn from :data:`ROLE_PERMISSIONS`, so page and check cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """Rights inside one organization, named ``resource:action``; alphabetical."""

    API_KEYS_MANAGE = "api_keys:manage"
    API_KEYS_READ = "api_keys:read"
    EXECUTIONS_ANNOTATE = "executions:annotate"
    EXECUTIONS_READ = "executions:read"
    FLOWS_READ = "flows:read"
    INGEST_READ = "ingest:read"
    ORGANIZATION_MANAGE = "organization:manage"
    ORGANIZATION_READ = "organization:read"
    SELF = "self"
    """What every signed-in person may do with what is their own: profile, sessions, bookmarks, views."""
    VIEWS_SHARE = "views:share"


@dataclass(frozen=True, slots=True)
class Public:
    """Marks a route that needs no sign-in; the reason is printed by the test that pins the list of such routes."""

    reason: str


def public(reason: str) -> Public:
    """Open a route to everybody, stating why."""
    return Public(reason)


class Role(StrEnum):
    """A person's role in one organization, weakest first."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


_VIEWER = frozenset(
    {
        Permission.EXECUTIONS_READ,
        Permission.FLOWS_READ,
        Permission.INGEST_READ,
        Permission.ORGANIZATION_READ,
        Permission.SELF,
    }
)
_MEMBER = _VIEWER | {Permission.EXECUTIONS_ANNOTATE, Permission.VIEWS_SHARE, Permission.API_KEYS_READ}
_ADMIN = _MEMBER | {Permission.API_KEYS_MANAGE, Permission.ORGANIZATION_MANAGE}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.MEMBER: _MEMBER,
    Role.ADMIN: _ADMIN,
    Role.OWNER: _ADMIN,
}
