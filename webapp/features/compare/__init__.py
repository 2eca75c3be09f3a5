"""Any two executions beside each other."""
