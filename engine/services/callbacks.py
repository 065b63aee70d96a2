"""The addresses at which services tell an outcome later: signed, each for one try of one call, and used once."""

from __future__ import annotations

from itsdangerous import BadSignature, URLSafeSerializer

from engine import keys
from engine.errors import NotFound
from engine.jobs import Job
from engine.transaction import Transaction

SALT = "procession callback"


def address(tx: Transaction, job: Job) -> str:
    """Where the outcome of the present try is told; "" as long as PROCESSION_PUBLIC_URL is not set."""
    settings = tx.store.settings
    if not settings.public_url:
        return ""
    signed = URLSafeSerializer(keys.secret_key(settings), SALT).dumps([job.id, job.attempts])
    return f"{settings.public_url.rstrip('/')}/callbacks/{signed}"


def meant(tx: Transaction, signed: str) -> tuple[int, int]:
    """The job and the try (from 0 on) that an address is for. Raises NotFound."""
    try:
        job_id, number = URLSafeSerializer(keys.secret_key(tx.store.settings), SALT).loads(signed)
        return int(job_id), int(number)
    except (BadSignature, ValueError, TypeError) as cause:
        raise NotFound("There is no call that waits for an outcome at this address.") from cause
