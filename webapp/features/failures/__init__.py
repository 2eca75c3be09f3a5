"""Failures of one cause as one thing to review: found, decided on, given to somebody, talked about."""
