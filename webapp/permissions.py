"""What a role may do: one enum of permissions and one dict from roles to permissions.

The permission matrix that administrators see is drawn from :data:`ROLE_PERMISSIONS`, so page and check cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """Rights inside one organization, named ``resource:action``; alphabetical."""

    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    ALERTS_MANAGE = "alerts:manage"
    ALERTS_READ = "alerts:read"
    API_KEYS_MANAGE = "api_keys:manage"
    API_KEYS_READ = "api_keys:read"
    EXECUTIONS_ANNOTATE = "executions:annotate"
    EXECUTIONS_READ = "executions:read"
    FAILURES_READ = "failures:read"
    FAILURES_WRITE = "failures:write"
    FLOWS_DELETE = "flows:delete"
    """One's own flows; of others' only admins (checked where it is done)."""
    FLOWS_READ = "flows:read"
    FLOWS_WRITE = "flows:write"
    INGEST_READ = "ingest:read"
    ORGANIZATION_MANAGE = "organization:manage"
    ORGANIZATION_READ = "organization:read"
    PROMPTS_READ = "prompts:read"
    PROMPTS_WRITE = "prompts:write"
    RETRIES_MANAGE = "retries:manage"
    RETRIES_RUN = "retries:run"
    SELF = "self"
    """What every signed-in person may do with what is their own: profile, sessions, bookmarks, views."""
    TOOLS_READ = "tools:read"
    TOOLS_WRITE = "tools:write"
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
        Permission.AGENTS_READ,
        Permission.ALERTS_READ,
        Permission.EXECUTIONS_READ,
        Permission.FAILURES_READ,
        Permission.FLOWS_READ,
        Permission.INGEST_READ,
        Permission.ORGANIZATION_READ,
        Permission.PROMPTS_READ,
        Permission.SELF,
        Permission.TOOLS_READ,
    }
)
_MEMBER = _VIEWER | {
    Permission.AGENTS_WRITE,
    Permission.API_KEYS_READ,
    Permission.EXECUTIONS_ANNOTATE,
    Permission.FAILURES_WRITE,
    Permission.FLOWS_DELETE,
    Permission.FLOWS_WRITE,
    Permission.PROMPTS_WRITE,
    Permission.RETRIES_RUN,
    Permission.TOOLS_WRITE,
    Permission.VIEWS_SHARE,
}
_ADMIN = _MEMBER | {
    Permission.ALERTS_MANAGE,
    Permission.API_KEYS_MANAGE,
    Permission.ORGANIZATION_MANAGE,
    Permission.RETRIES_MANAGE,
}

ROLE_PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.VIEWER: _VIEWER,
    Role.MEMBER: _MEMBER,
    Role.ADMIN: _ADMIN,
    Role.OWNER: _ADMIN,
}
