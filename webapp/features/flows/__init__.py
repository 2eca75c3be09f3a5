"""Agentflows: the list of them, how their drawings are read and saved, and what of them ran."""
