"""Who is asking: the signed-in person in one organization, as routes and operations see them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from webapp.permissions import ROLE_PERMISSIONS, Permission, Role


@dataclass(frozen=True, slots=True)
class Membership:
    """One organization that the person belongs to, as the switcher lists it."""

    organization_id: UUID
    name: str
    slug: str
    role: Role
    timezone: str


@dataclass(frozen=True, slots=True)
class Actor:
    """A person in an organization. ``timezone`` is the person's own choice, else the organization's."""

    user_id: UUID
    session_id: UUID
    email: str
    full_name: str
    theme: str
    timezone: str
    membership: Membership
    memberships: tuple[Membership, ...]

    @property
    def organization_id(self) -> UUID:
        return self.membership.organization_id

    @property
    def role(self) -> Role:
        return self.membership.role

    @property
    def zone(self) -> ZoneInfo:
        """Zone in which this person reads instants."""
        return ZoneInfo(self.timezone)

    @property
    def organization_zone(self) -> ZoneInfo:
        """Zone in which days of the organization begin and end, equal for all its members."""
        return ZoneInfo(self.membership.timezone)

    def may(self, permission: Permission) -> bool:
        """Whether the role holds the permission in the current organization."""
        return permission in ROLE_PERMISSIONS[self.role]
