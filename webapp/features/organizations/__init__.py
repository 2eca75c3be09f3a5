"""An organization's own page: members, name, time zone, and how long what it sent is kept."""
