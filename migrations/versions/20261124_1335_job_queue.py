"""The job queue's own tables, types and functions."""

from alembic import op
from procrastinate.schema import SchemaManager

from webapp.database.ddl import app_role

revision = "20261124_1335"
down_revision = "20261124_1334"
branch_labels = None
depends_on = None

GRANTS = """
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.oid::regclass FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname LIKE 'procrastinate\\_%'
    LOOP
        EXECUTE 'GRANT SELECT, INSERT, UPDATE, DELETE ON ' || name || ' TO {role}';
    END LOOP;
    FOR name IN SELECT c.oid::regclass FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S' AND c.relname LIKE 'procrastinate\\_%'
    LOOP
        EXECUTE 'GRANT USAGE, SELECT ON SEQUENCE ' || name || ' TO {role}';
    END LOOP;
END $$
"""

DROP = """
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT c.oid::regclass FROM pg_class c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname LIKE 'procrastinate\\_%'
    LOOP
        EXECUTE 'DROP TABLE ' || name || ' CASCADE';
    END LOOP;
    FOR name IN SELECT p.oid::regprocedure FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'procrastinate\\_%'
    LOOP
        EXECUTE 'DROP FUNCTION ' || name || ' CASCADE';
    END LOOP;
    FOR name IN SELECT t.oid::regtype FROM pg_type t
        WHERE t.typnamespace = 'public'::regnamespace AND t.typtype IN ('e', 'c') AND t.typname LIKE 'procrastinate\\_%'
    LOOP
        EXECUTE 'DROP TYPE ' || name || ' CASCADE';
    END LOOP;
END $$
"""


def upgrade() -> None:
    # Many statements with % and : in them, so past everything that looks for parameters.
    op.get_bind().connection.cursor().execute(SchemaManager.get_schema())
    op.execute(GRANTS.format(role=app_role()))


def downgrade() -> None:
    op.execute(DROP)
