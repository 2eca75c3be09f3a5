"""Change a flow's graph: a draft per person, undo, checks before saving, and two people's changes joined."""
