"""The Flask extensions, unbound. `create_app` binds them; engine and pool options come from its settings."""

from flask_migrate import Migrate

from webapp.models.base import db

migrate = Migrate()

__all__ = ["db", "migrate"]
