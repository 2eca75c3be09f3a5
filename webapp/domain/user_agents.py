"""A browser's own description of itself, shortened to what a person recognises in the list of their sessions."""

from __future__ import annotations

# The first match wins: most browsers also name the ones they descend from.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def describe_browser(user_agent: str | None) -> str:
    """``Firefox on Windows``; ``Unknown browser`` where nothing is recognised."""
    text = user_agent or ""
    browser = next((name for sign, name in BROWSERS if sign in text), "Unknown browser")
    system = next((name for sign, name in SYSTEMS if sign in text), "")
    return f"{browser} on {system}" if system else browser
