"""Requests that we make to addresses that people entered: guarded, signed, and bounded in time and size."""
