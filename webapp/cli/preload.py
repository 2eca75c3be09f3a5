"""Imports what the web server needs, so that they are done while the database starts."""

import gunicorn.app.base
import gunicorn.workers.gthread
import sqlalchemy.dialects.postgresql.psycopg

import webapp

__all__ = ["gunicorn", "sqlalchemy", "webapp"]
