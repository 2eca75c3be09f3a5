"""Agents: what they are told, what they may use and remember, how they changed, where they are used and how they do."""
