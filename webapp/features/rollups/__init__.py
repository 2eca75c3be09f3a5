"""Sums kept per quarter of an hour, so that no page adds up a million executions."""
