"""Demo data: believable traces, always the same for one seed, sent through the real ingest path."""
