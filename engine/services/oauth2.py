"""Access tokens of OAuth 2.0 by client credentials: fetched when needed, used until shortly before they expire."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import httpx
import orjson

from engine.errors import ServiceFailed
from engine.model import Service
from engine.services import catalog
from engine.transaction import Store

EARLY = 30
"""Seconds before the end at which a token is not used any more."""
USUAL_SECONDS = 300
"""How long a token counts that does not say so."""
LIMIT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until: float


_tokens: dict[tuple[str, ...], _Token] = {}
_lock = threading.Lock()


def token(client: httpx.Client, store: Store, service: Service, proof: str) -> str:
    """Of a service; proof is the client's secret. Raises ServiceFailed."""
    key = (store.settings.database_url, service.name, service.token_url, service.user, service.scope, proof)
    with _lock:
        known = _tokens.get(key)
        if known is None or known.until <= time.monotonic():
            known = _tokens[key] = _fetched(client, service, proof)
        return known.text


def _fetched(client: httpx.Client, service: Service, proof: str) -> _Token:
    asked = {"grant_type": "client_credentials"} | ({"scope": service.scope} if service.scope else {})
    try:
        answer = client.post(service.token_url, data=asked, auth=(service.user, proof), timeout=LIMIT_SECONDS)
    except httpx.HTTPError as cause:
        where = catalog.host_of(service.token_url)
        raise ServiceFailed(f"Expected an access token from {where}, but: {cause}", names=["Token"]) from cause
    try:
        told = orjson.loads(answer.content[:100_000])
        return _Token(
            str(told["access_token"]), time.monotonic() + float(told.get("expires_in", USUAL_SECONDS)) - EARLY
        )
    except (ValueError, KeyError, TypeError, AttributeError) as cause:
        message = (
            f"Expected an access token from {service.token_url}, but it answered {answer.status_code} without one."
        )
        is_passing = answer.status_code >= 500 or answer.status_code == 429
        raise ServiceFailed(message, retryable=is_passing, names=["Token"]) from cause
