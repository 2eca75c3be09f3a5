"""The page of one flow: its drawing with what ran on it, blocks, executions, failures, automations, settings, links."""
