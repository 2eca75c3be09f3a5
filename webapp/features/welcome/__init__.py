"""Three steps from an empty organization to its first execution."""
