"""API keys: what programs prove themselves with. Shown once, then only their last four characters."""
