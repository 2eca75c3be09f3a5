"""Words that migrations share: row-level security, grants and functions that run with the owner's rights.

A migration calls these with explicit table names, so an old revision keeps meaning what it meant.
"""

from collections.abc import Iterable

from alembic import op

APP_ROLE = "agenticbuilder_app"
TENANT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
"""The organization of the transaction; after a transaction the setting is '' and not NULL. Asked once per query."""

ALL_RIGHTS = "SELECT, INSERT, UPDATE, DELETE"


def app_role() -> str:
    """Give the quoted name of the role that web and worker connect as; `-x app_role=NAME` changes it."""
    name = op.get_context().opts.get("app_role") or APP_ROLE
    return '"' + name.replace('"', '""') + '"'


def protect(tables: Iterable[str], column: str = "organization_id") -> None:
    """Let the application see and write only rows of its transaction's organization."""
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} USING ({column} = {TENANT}) WITH CHECK ({column} = {TENANT})")


def show_shipped(tables: Iterable[str]) -> None:
    """Let everyone read the rows that came with the product (organization NULL); only the owner writes them."""
    for table in tables:
        op.execute(f"CREATE POLICY shipped ON {table} FOR SELECT USING (organization_id IS NULL)")


def grant(tables: Iterable[str], rights: str = ALL_RIGHTS) -> None:
    op.execute(f"GRANT {rights} ON {', '.join(tables)} TO {app_role()}")


def grant_functions(signatures: Iterable[str]) -> None:
    """Let the application, and nobody else, call functions that run with the owner's rights."""
    for signature in signatures:
        op.execute(f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {signature} TO {app_role()}")
