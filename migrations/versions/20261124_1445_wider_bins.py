"""Durations are counted in wider bins: what was counted before is counted again by the worker."""

from alembic import op

revision = "20261124_1445"
down_revision = "20261124_1410"
branch_labels = None
depends_on = None

COUNT_AGAIN = """
    INSERT INTO rollup_dirty (organization_id, bucket) SELECT DISTINCT organization_id, bucket FROM execution_totals
"""


def upgrade() -> None:
    op.execute(COUNT_AGAIN)


def downgrade() -> None:
    op.execute(COUNT_AGAIN)
