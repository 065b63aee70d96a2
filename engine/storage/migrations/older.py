"""For revisions that older programs cannot work with.

Older programs go on working with a newer database, and start anew with it, as long as its revisions only add: tables,
columns that may be empty or have a server default, indexes that refuse nothing. A revision that takes away, renames or
forbids has to say so. tests/unit/test_revisions.py looks whether it does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


def end_programs_before(revision: str) -> None:
    """Programs whose newest revision is older than this one refuse the database from now on."""
    op.execute(sa.text("UPDATE program SET oldest = :revision").bindparams(revision=revision))
