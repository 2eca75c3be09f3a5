"""The append-only record of what was done, by whom, chained by hash: audit log and timelines read it."""
