"""Alembic's entry, for `agenticbuilder migrate`, the tests and Flask-Migrate's commands alike."""

from alembic import context

from webapp.database import migrate

if context.is_offline_mode():
    raise SystemExit("migrations need the database: they read what is there")

migrate.run_environment(context)
