"""How deliveries prove who sent them: one row for each scheme, each an HMAC with SHA-256 over what was sent."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from engine.errors import Rejected
from engine.webhooks.model import Scheme

MOST_SIGNATURES = 10
"""Of one delivery: while a secret is replaced, some services sign with both."""
_LONGEST_MOMENT = 12
"""Digits of a moment in seconds since 1970."""

Headers = Mapping[str, str]
"""Names in small letters."""


class Unproven(Rejected):
    """A delivery does not prove that it comes, now, from who has the secret."""


def verify(scheme: Scheme, secret: str, headers: Headers, body: bytes, *, now: datetime, window: timedelta) -> str:
    """The id of the delivery: what nobody without the secret can change about it. Raises Unproven.

    window: how far the signed moment may lie in the past or in the future, in schemes that have one.
    """
    way = _SCHEMES[scheme]
    told = way.read(headers, body)
    if told is None:
        raise Unproven(f"Expected the signature that {scheme} sends ({', '.join(way.headers)}), but it is not there.")
    expected = way.write(hmac.digest(way.key(secret), told.signed, sha256))
    fits = [hmac.compare_digest(each.encode(), expected.encode()) for each in told.signatures[:MOST_SIGNATURES]]
    if not any(fits):
        raise Unproven("Expected a signature by the secret, but it is another.")
    if told.moment is not None:
        _require_now(told.moment, now, window)
    return told.id or expected


def _require_now(moment: str, now: datetime, window: timedelta) -> None:
    if not (moment.isascii() and moment.isdigit() and len(moment) <= _LONGEST_MOMENT):
        raise Unproven("Expected the moment of signing in seconds since 1970, but it is none.")
    distance = int(moment) - now.timestamp()
    if abs(distance) > window.total_seconds():
        when = "in the future" if distance > 0 else "in the past"
        raise Unproven(f"Expected it to be signed just now, but it was {abs(distance):,.0f} seconds {when}.")


@dataclass(frozen=True, slots=True)
class _Told:
    """What a delivery says of its origin."""

    signatures: list[str]
    signed: bytes
    moment: str | None = None
    """Seconds since 1970, signed too."""
    id: str | None = None
    """Signed too."""


def _github(headers: Headers, body: bytes) -> _Told | None:
    """https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries"""
    signature = headers.get("x-hub-signature-256")
    return None if signature is None else _Told([signature.removeprefix("sha256=")], body)


def _stripe(headers: Headers, body: bytes) -> _Told | None:
    """https://docs.stripe.com/webhooks#verify-manually"""
    fields = [part.strip().partition("=") for part in headers.get("stripe-signature", "").split(",")]
    moment = next((value for name, _, value in fields if name == "t"), None)
    if moment is None:
        return None
    return _Told([value for name, _, value in fields if name == "v1"], _raw(f"{moment}.") + body, moment)


def _slack(headers: Headers, body: bytes) -> _Told | None:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    signature, moment = headers.get("x-slack-signature"), headers.get("x-slack-request-timestamp")
    if signature is None or moment is None:
        return None
    return _Told([signature.removeprefix("v0=")], _raw(f"v0:{moment}:") + body, moment)


def _standard(headers: Headers, body: bytes) -> _Told | None:
    """https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""
    id, moment = headers.get("webhook-id"), headers.get("webhook-timestamp")
    if not id or moment is None:
        return None
    versions = [each.partition(",") for each in headers.get("webhook-signature", "").split(" ")]
    signatures = [signature for version, _, signature in versions if version == "v1"]
    return _Told(signatures, _raw(f"{id}.{moment}.") + body, moment, id)


def _plain(headers: Headers, body: bytes) -> _Told | None:
    signature, moment = headers.get("x-procession-signature"), headers.get("x-procession-timestamp")
    if signature is None or moment is None:
        return None
    return _Told([signature], _raw(f"{moment}.") + body, moment)


def _raw(text: str) -> bytes:
    """The bytes of a header's text, as they came."""
    return text.encode("latin-1", errors="replace")


def _key(secret: str) -> bytes:
    return secret.encode()


def _standard_key(secret: str) -> bytes:
    """Raises Unproven."""
    try:
        return b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError as cause:
        raise Unproven("Expected the secret to be in base64, such as whsec_..., but it is not.") from cause


def _base64(digest: bytes) -> str:
    return b64encode(digest).decode()


@dataclass(frozen=True, slots=True)
class _Scheme:
    headers: tuple[str, ...]
    """What must be there."""
    read: Callable[[Headers, bytes], _Told | None]
    write: Callable[[bytes], str] = bytes.hex
    key: Callable[[str], bytes] = _key


_SCHEMES: Mapping[Scheme, _Scheme] = {
    Scheme.GITHUB: _Scheme(("X-Hub-Signature-256",), _github),
    Scheme.STRIPE: _Scheme(("Stripe-Signature",), _stripe),
    Scheme.SLACK: _Scheme(("X-Slack-Signature", "X-Slack-Request-Timestamp"), _slack),
    Scheme.STANDARD: _Scheme(
        ("Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"), _standard, _base64, _standard_key
    ),
    Scheme.PLAIN: _Scheme(("X-Procession-Signature", "X-Procession-Timestamp"), _plain),
}
