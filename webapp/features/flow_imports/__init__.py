"""Flows from other builders: files in, a report for each that stays, and a flow or a new version of one."""
