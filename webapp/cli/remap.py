"""``agenticbuilder remap``: after a mapping was improved."""
