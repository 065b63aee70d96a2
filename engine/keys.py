"""Keys: the one secret of an installation, and those that are derived from it for single purposes."""

from __future__ import annotations

import os
import secrets
from base64 import urlsafe_b64encode
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.engine import make_url

from engine.config import Settings


def encrypted(settings: Settings, text: str) -> bytes:
    """For the database. Raises ValueError as secret_key does."""
    return _cipher(settings).encrypt(text.encode())


def decrypted(settings: Settings, content: bytes) -> str | None:
    """None: it was encrypted under another key."""
    try:
        return _cipher(settings).decrypt(content).decode()
    except InvalidToken:
        return None


@lru_cache(16)
def _cipher(settings: Settings) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=None, info=b"procession secrets").derive(secret_key(settings).encode())
    return Fernet(urlsafe_b64encode(derived))


@lru_cache(16)
def secret_key(settings: Settings) -> str:
    """The key that signs sessions: the setting, else one kept beside the SQLite file, so that restarts sign nobody out.

    Raises ValueError for a database on a server: several machines must agree on one key.
    """
    if settings.secret_key:
        return settings.secret_key
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite":
        raise ValueError(
            "Expected PROCESSION_SECRET_KEY to be set for a database on a server, but it is empty. "
            "Set it to a long random text, the same for every process."
        )
    if url.database in (None, "", ":memory:"):
        return secrets.token_hex(32)
    return _kept_key(Path(url.database or "").with_suffix(".key"))


def _kept_key(path: Path) -> str:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_key(path)
    with os.fdopen(handle, "w") as file:
        file.write(key := secrets.token_hex(32))
    return key


def _read_key(path: Path) -> str:
    if key := path.read_text().strip():
        return key
    raise ValueError(
        f"Expected {path} to hold the key that signs sessions, but it is empty. Delete it and start again."
    )
