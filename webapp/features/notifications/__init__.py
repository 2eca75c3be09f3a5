"""What a person should see: one list per person and organization, with a read state."""
