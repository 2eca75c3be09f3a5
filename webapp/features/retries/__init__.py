"""Run a failed execution again, and see what came of it."""
