"""The first run: one admin and one organization, once, by page or command."""
