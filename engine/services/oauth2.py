"""Access tokens of OAuth 2.0 by client credentials: fetched when needed, used until shortly before they expire.

Source: RFC 6749, 2.3.1 Client Password and 4.4 Client Credentials Grant.
"""

from __future__ import annotations

import threading
import time
from base64 import b64encode
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import quote_plus, urlencode

from engine.config import Settings
from engine.errors import ServiceFailed
from engine.model.services import Service
from engine.services.exchange import Answer, Sent, exchange

EARLY = 30
"""Seconds before the end at which a token is not used any more."""
USUAL_SECONDS = 300
"""How long a token counts that does not say so."""
MOST_SECONDS = 86_400
LIMIT_SECONDS = 10

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    until: float


_tokens: dict[_Key, _Token] = {}
_locks: defaultdict[_Key, threading.Lock] = defaultdict(threading.Lock)


def token(settings: Settings, service: Service, proof: str) -> str:
    """Of a service; proof is the client's secret. Raises ServiceFailed."""
    key = _key(settings, service, proof)
    with _locks[key]:  # one fetches it, the others of this service wait
        known = _tokens.get(key)
        if known is None or known.until <= time.monotonic():
            known = _tokens[key] = _fetched(settings, service, proof)
        return known.text


def forget(settings: Settings, service: Service, proof: str) -> None:
    """The service does not take the token any more."""
    _tokens.pop(_key(settings, service, proof), None)


def _key(settings: Settings, service: Service, proof: str) -> _Key:
    return (settings.database_url, service.name, service.token_url, service.user, service.scope, proof)


def _fetched(settings: Settings, service: Service, proof: str) -> _Token:
    asked = {"grant_type": "client_credentials"} | ({"scope": service.scope} if service.scope else {})
    client = b64encode(f"{quote_plus(service.user)}:{quote_plus(proof)}".encode()).decode()
    headers = {"Authorization": f"Basic {client}", "Content-Type": "application/x-www-form-urlencoded"}
    headers["Accept"] = "application/json"
    content = urlencode(asked).encode()
    try:
        answer = exchange(settings, Sent("POST", service.token_url, headers, content=content, duration=LIMIT_SECONDS))
    except ServiceFailed as cause:
        message = f"Expected an access token, but: {cause}"
        raise ServiceFailed(message, retryable=cause.retryable, names=["Token", *cause.names]) from cause
    return _read(service, answer)


def _read(service: Service, answer: Answer) -> _Token:
    told = answer.body if isinstance(answer.body, dict) else {}
    text, seconds = told.get("access_token"), told.get("expires_in", USUAL_SECONDS)
    if not isinstance(text, str) or not text:
        message = f"Expected an access token from {service.token_url}, but it answered {answer.status} without one."
        is_passing = answer.status >= 500 or answer.status == 429
        raise ServiceFailed(message, retryable=is_passing, names=["Token"])
    return _Token(text, time.monotonic() + min(_seconds(seconds), MOST_SECONDS) - EARLY)


def _seconds(told: object) -> float:
    """Some servers tell the number as a text."""
    text = str(told)
    return float(text) if text.isdecimal() and len(text) < 12 else USUAL_SECONDS
