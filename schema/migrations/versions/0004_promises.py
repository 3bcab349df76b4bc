"""What was made of a provider's words carries the revision of the code that made it.

Ranks that are stored keep their place: below all that is told anew at the same version, for their
last part was a digest of what we had made, and is compared with nothing any more.
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns; an older version of the program goes on beside them."""
    statements = Path(__file__).with_suffix(".sql").read_text("utf-8")
    op.get_bind().exec_driver_sql(statements, execution_options={"no_parameters": True})
