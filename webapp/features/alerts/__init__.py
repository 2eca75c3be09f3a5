"""Tell people what broke: rules, channels, and messages that arrive."""
