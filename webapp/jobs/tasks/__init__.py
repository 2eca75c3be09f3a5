"""One module per subject; importing this package registers every task."""

from webapp.jobs.tasks import alerts, executions, failures, housekeeping, retries, rollups

__all__ = ["alerts", "executions", "failures", "housekeeping", "retries", "rollups"]
