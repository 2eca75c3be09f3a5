"""Notifications and the record of migrations."""

from tests.factories.base import factory
from webapp.models import MigrationHistory, MigrationResult, Notification

make_notification = factory(Notification, kind="failure", title=lambda n: f"Notification {n}")
make_migration_history = factory(MigrationHistory, direction="upgrade", result=MigrationResult.COMPLETED.value)
