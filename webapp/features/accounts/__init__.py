"""Signing in and out, and what is a person's own: profile, password, sessions, theme."""
