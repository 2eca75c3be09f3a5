"""Executions: the list with its one filter, one execution with its trace, saved views, export."""
