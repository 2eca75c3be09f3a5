"""One module per subject; importing this package registers every task."""

from webapp.jobs.tasks import executions, failures, housekeeping, retries, rollups

__all__ = ["executions", "failures", "housekeeping", "retries", "rollups"]
