"""The database around the models: embedded server, roles, tenancy, partitions."""
