"""One module per subject; importing this package registers every task."""

from webapp.jobs.tasks import executions, housekeeping, rollups

__all__ = ["executions", "housekeeping", "rollups"]
