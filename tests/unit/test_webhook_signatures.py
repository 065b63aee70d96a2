"""Signatures of webhooks: each scheme, by examples of who has made it where there are any."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from engine.webhooks import Scheme
from engine.webhooks.signatures import Unproven, verify

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WINDOW = timedelta(minutes=5)
BODY = b'{"id": 7}'
Headers = dict[str, str]


def digest(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, "sha256")


def github(secret: str, body: bytes, at: int) -> Headers:
    return {"x-hub-signature-256": f"sha256={digest(secret.encode(), body).hex()}"}


def stripe(secret: str, body: bytes, at: int) -> Headers:
    signature = digest(secret.encode(), f"{at}.".encode() + body).hex()
    return {"stripe-signature": f"t={at},v1={'0' * 64},v1={signature},v0=old"}


def slack(secret: str, body: bytes, at: int) -> Headers:
    signature = digest(secret.encode(), f"v0:{at}:".encode() + body).hex()
    return {"x-slack-signature": f"v0={signature}", "x-slack-request-timestamp": str(at)}


def standard(secret: str, body: bytes, at: int, id: str = "msg_1") -> Headers:
    signature = b64encode(digest(b"secret", f"{id}.{at}.".encode() + body)).decode()
    told = f"v1,b3RoZXI= v1a,{signature} v1,{signature}"
    return {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": told}


def plain(secret: str, body: bytes, at: int) -> Headers:
    signature = digest(secret.encode(), f"{at}.".encode() + body).hex()
    return {"x-procession-signature": signature, "x-procession-timestamp": str(at)}


Sign = Callable[[str, bytes, int], Headers]
SIGN: dict[Scheme, Sign] = {
    Scheme.GITHUB: github,
    Scheme.STRIPE: stripe,
    Scheme.SLACK: slack,
    Scheme.STANDARD: standard,
    Scheme.PLAIN: plain,
}
SECRETS = dict.fromkeys(Scheme, "hush") | {Scheme.STANDARD: "whsec_c2VjcmV0"}
TIMED = [scheme for scheme in Scheme if scheme is not Scheme.GITHUB]


def signed(scheme: Scheme, *, body: bytes = BODY, seconds: int = 0) -> Headers:
    return SIGN[scheme](SECRETS[scheme], body, int(NOW.timestamp()) + seconds)


def check(scheme: Scheme, headers: Headers, body: bytes = BODY) -> str:
    return verify(scheme, SECRETS[scheme], headers, body, now=NOW, window=WINDOW)


def test_each_scheme_is_tested() -> None:
    assert SIGN.keys() == set(Scheme)


@pytest.mark.parametrize("scheme", Scheme)
def test_a_right_signature_is_taken(scheme: Scheme) -> None:
    assert check(scheme, signed(scheme))


@pytest.mark.parametrize("scheme", Scheme)
def test_another_body_is_refused(scheme: Scheme) -> None:
    with pytest.raises(Unproven, match="but it is another"):
        check(scheme, signed(scheme), BODY + b" ")


@pytest.mark.parametrize("scheme", Scheme)
def test_another_secret_is_refused(scheme: Scheme) -> None:
    with pytest.raises(Unproven, match="but it is another"):
        verify(scheme, "b3RoZXI=", signed(scheme), BODY, now=NOW, window=WINDOW)


@pytest.mark.parametrize("scheme", Scheme)
def test_a_delivery_without_a_signature_is_refused(scheme: Scheme) -> None:
    with pytest.raises(Unproven):
        check(scheme, {})
    for left_out in signed(scheme):
        with pytest.raises(Unproven):
            check(scheme, {name: text for name, text in signed(scheme).items() if name != left_out})


@pytest.mark.parametrize("text", ["", "=", "sha256=", "v1,", "t=,v1=", "\xff", "v1=" + "0" * 64, "t=1", "v1,é"])
@pytest.mark.parametrize("scheme", Scheme)
def test_nonsense_in_a_header_is_refused(scheme: Scheme, text: str) -> None:
    for name in signed(scheme):
        with pytest.raises(Unproven):
            check(scheme, {**signed(scheme), name: text})


@pytest.mark.parametrize("scheme", TIMED)
@pytest.mark.parametrize("seconds", [-300, -299, 0, 300])
def test_what_was_signed_within_the_window_is_taken(scheme: Scheme, seconds: int) -> None:
    assert check(scheme, signed(scheme, seconds=seconds))


@pytest.mark.parametrize("scheme", TIMED)
@pytest.mark.parametrize(("seconds", "when"), [(-301, "in the past"), (301, "in the future"), (10**9, "future")])
def test_what_was_signed_outside_of_the_window_is_refused(scheme: Scheme, seconds: int, when: str) -> None:
    with pytest.raises(Unproven, match=when):
        check(scheme, signed(scheme, seconds=seconds))


@pytest.mark.parametrize("moment", ["soon", "-5", "1e9", "9" * 400, "\u0661\u0662"])
def test_a_moment_that_is_none_is_refused_although_it_is_signed(moment: str) -> None:
    signature = digest(b"hush", f"{moment}.".encode("latin-1", "replace") + BODY).hex()
    with pytest.raises(Unproven, match="Expected the moment"):
        check(Scheme.PLAIN, {"x-procession-signature": signature, "x-procession-timestamp": moment})


def test_the_id_is_what_was_signed() -> None:
    assert check(Scheme.STANDARD, signed(Scheme.STANDARD)) == "msg_1"
    hostile = {**signed(Scheme.GITHUB), "x-github-delivery": "another"}
    assert check(Scheme.GITHUB, hostile) == check(Scheme.GITHUB, signed(Scheme.GITHUB))


def test_signatures_added_by_others_do_not_change_the_id() -> None:
    told = signed(Scheme.STRIPE)
    more = {"stripe-signature": told["stripe-signature"] + ",v1=abc"}
    assert check(Scheme.STRIPE, more) == check(Scheme.STRIPE, told)


def test_a_secret_that_is_no_base64_is_told() -> None:
    with pytest.raises(Unproven, match="base64"):
        verify(Scheme.STANDARD, "whsec_?", signed(Scheme.STANDARD), BODY, now=NOW, window=WINDOW)


# ---- examples of others ------------------------------------------------------------------------------------------


def test_the_example_of_github() -> None:
    """Its page "Validating webhook deliveries"."""
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    secret = "It's a Secret to Everybody"
    verify(Scheme.GITHUB, secret, {"x-hub-signature-256": signature}, b"Hello, World!", now=NOW, window=WINDOW)


def test_the_example_of_standard_webhooks() -> None:
    """The one that its libraries are tested by."""
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    now = datetime.fromtimestamp(1614265330, UTC)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    verify(Scheme.STANDARD, secret, headers, b'{"test": 2432232314}', now=now, window=WINDOW)
