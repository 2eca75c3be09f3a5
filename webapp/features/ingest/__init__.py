"""What arrives and what is refused."""
