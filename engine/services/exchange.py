"""One exchange by HTTP: a request goes out, an answer of bounded size comes back in bounded time, or a failure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import orjson

from engine import values
from engine.config import Settings
from engine.errors import ServiceFailed
from engine.model import Json
from engine.observe import tracing
from engine.services import catalog
from engine.services.dialling import CONNECT_SECONDS, Refused, client
from engine.services.limit import TooLong, within


@dataclass(frozen=True, slots=True)
class Sent:
    """A request, with all that is secret in it; lives as long as the call."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str | list[str]] = field(default_factory=dict)
    content: bytes | None = field(default=None, repr=False)
    duration: float | None = None
    """Seconds for the whole; None: as the setting says."""
    connect_duration: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """By their names in small letters."""
    body: Json
    """What its JSON says, else its text; None: it is empty."""


class TooLarge(ValueError):
    """What a service answers with is more than we keep."""


class NoJson(ValueError):
    """What a service answers with cannot be read."""


_ONCE = (Refused, httpx.UnsupportedProtocol, httpx.InvalidURL, TooLarge)
"""What is the same at each try."""


def exchange(settings: Settings, sent: Sent) -> Answer:
    """Send it and read the answer, whatever its status. Raises ServiceFailed for whatever is no answer."""
    whole = sent.duration or settings.service_duration.total_seconds()
    try:
        return within(timedelta(seconds=whole), lambda: _exchanged(settings, sent, whole))
    except (httpx.TransportError, httpx.InvalidURL, httpx.DecodingError, TooLong, ValueError) as cause:
        raise _no_answer(sent.url, cause) from cause


def _exchanged(settings: Settings, sent: Sent, whole: float) -> Answer:
    limits = httpx.Timeout(whole, connect=min(sent.connect_duration or CONNECT_SECONDS, whole))
    about: dict[str, Any] = {
        "headers": {**tracing.headers(), **sent.headers},
        "content": sent.content,
        "timeout": limits,
    }
    url, until = httpx.URL(sent.url).copy_merge_params(dict(sent.query)), time.monotonic() + whole
    with client(settings.http_private, settings.http_ca_file).stream(sent.method, url, **about) as answer:
        body = _read(answer, settings.http_answer_bytes, until)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(answer.status_code, headers, _told(answer, body))


def _read(answer: httpx.Response, most: int, until: float) -> bytes:
    body = bytearray()
    for part in answer.iter_bytes():
        body += part
        if len(body) > most:
            raise TooLarge(f"its answer has more than {most:,} bytes")
        if time.monotonic() > until:
            raise TooLong("its answer did not end in time")
    return bytes(body)


def _told(answer: httpx.Response, body: bytes) -> Json:
    if not body:
        return None
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as cause:
            raise NoJson(f"its answer says that it is JSON, but: {cause}") from cause
    return values.shown(body.decode(answer.encoding or "utf-8", errors="replace"))


def _no_answer(url: str, cause: Exception) -> ServiceFailed:
    message = f"Expected {catalog.host_of(url) or url} to answer, but {str(cause) or 'it did not in time'}."
    names = [kind.__name__ for kind in type(cause).__mro__]
    return ServiceFailed(values.shown(message, 1_000), retryable=not isinstance(cause, _ONCE), names=names)
