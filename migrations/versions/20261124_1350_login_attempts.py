"""Counters of password tries, shared by all workers."""

import sqlalchemy as sa
from alembic import op

from webapp.database import ddl

revision = "20261124_1350"
down_revision = "20261124_1345"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("is_granted", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_login_attempts"),
        prefixes=["UNLOGGED"],
    )
    ddl.grant(["login_attempts"])


def downgrade() -> None:
    op.drop_table("login_attempts")
