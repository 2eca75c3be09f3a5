"""The command palette: pages, flows and executions from one field."""
