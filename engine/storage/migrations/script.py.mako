"""${message}."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


# Unless this only adds, call older.end_programs_before(revision), from engine.storage.migrations, in upgrade().


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
