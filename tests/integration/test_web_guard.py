"""What guards every page: sign-in, tokens, headers, limits, and refusals that a person can read."""

from __future__ import annotations

import gzip
import io
import re
import stat
from pathlib import Path

import pytest

from engine import SYSTEM, Busy, Service, Settings
from engine.services import catalog
from tests.site import PASSWORD, Site, Visitor, words
from web import assets, security
from web.context import own_path

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
PRIVATE = (
    "/",
    "/start/",
    "/definitions/",
    "/instances/",
    "/timers",
    "/incidents",
    "/accounts/",
    "/password",
    "/tasks/1/",
)
CRM = Service("crm", "https://crm.example.com")


# ---- signing in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PRIVATE)
def test_a_stranger_is_sent_to_the_sign_in_page_and_back(site: Site, path: str) -> None:
    stranger = site.stranger()

    sent = stranger.get(path)
    assert sent.status_code == 302
    assert sent.location.startswith("/login")

    signed_in = stranger.sign_in("root", to=sent.location)
    assert signed_in.location == path


@pytest.mark.parametrize(
    ("name", "password"), [("ben", "wrong"), ("nobody", PASSWORD), ("", ""), ("BEN", PASSWORD + " ")]
)
def test_a_wrong_name_or_password_gets_the_same_answer(site: Site, name: str, password: str) -> None:
    refused = site.stranger().sign_in(name, password)

    assert refused.status_code == 422
    assert "do not match an active account" in refused.text


def test_a_form_is_sent_by_post_only(site: Site) -> None:
    """HEAD asks what GET would answer: it passes by the tokens and limits that guard POST."""
    with site.engine.transaction(SYSTEM) as tx:
        catalog.put(tx, CRM)
    root, typed = site.visitor("root"), {"id": "root", "password": PASSWORD, "name": "crm"}
    forms = [rule for rule in site.app.url_map.iter_rules() if {"GET", "POST"} <= (rule.methods or set())]
    paths = {rule.rule for rule in forms if not rule.arguments} | {"/services/crm/change"}

    for path in paths:
        assert root.client.head(path, data=typed).status_code == root.get(path).status_code, path
    with site.engine.reading(SYSTEM) as tx:
        assert catalog.find(tx) == [CRM]

    guest = site.stranger()
    guest.client.head("/login", data=typed)
    assert guest.get("/").location.startswith("/login")


def test_too_many_wrong_passwords_for_one_name_are_stopped(site: Site) -> None:
    stranger = site.stranger()

    answers = [stranger.sign_in("ben", "wrong").status_code for _ in range(12)]

    assert answers[:10] == [422] * 10
    assert answers[-1] == 429
    assert site.stranger().sign_in("mia").status_code == 302


def test_signing_in_often_with_the_right_password_is_not_limited(site: Site) -> None:
    assert {site.stranger().sign_in("ben").status_code for _ in range(40)} == {302}


def test_next_leads_to_own_pages_only(site: Site) -> None:
    signed_in = site.stranger().sign_in("ben", to="/login?next=//evil.example/")

    assert signed_in.location == "/"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "x",
        "",
        "/\tx",
        "http://[",
        None,
    ],
)
def test_foreign_targets_are_no_own_paths(site: Site, target: str | None) -> None:
    with site.app.test_request_context("/"):
        assert own_path(target) is None


def test_own_paths_keep_their_query(site: Site) -> None:
    with site.app.test_request_context("/"):
        assert own_path("/instances/?key=a&offset=50") == "/instances/?key=a&offset=50"
        assert own_path("http://localhost/instances/?key=a") == "/instances/?key=a"


def test_signing_out_ends_the_session(site: Site) -> None:
    ben = site.visitor("ben")

    ben.post("/logout")

    assert ben.get("/").status_code == 302


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(site: Site) -> None:
    cookie = site.stranger().sign_in("ben").headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Secure" not in cookie


def test_the_session_cookie_is_secure_over_https(site: Site) -> None:
    answer = site.app.test_client().get("/login", base_url="https://localhost")

    assert "Secure" in answer.headers["Set-Cookie"]
    assert answer.headers["Strict-Transport-Security"]


# ---- passwords -----------------------------------------------------------------------------------------------------


def test_a_new_password_ends_every_other_session(site: Site) -> None:
    here, elsewhere = site.visitor("ben"), site.visitor("ben")

    changed = here.post("/password", {"present": PASSWORD, "password": "quite-new-one", "again": "quite-new-one"})

    assert changed.status_code == 302
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    assert site.stranger().sign_in("ben", "quite-new-one").status_code == 302


@pytest.mark.parametrize(
    ("present", "new", "again", "told"),
    [
        ("wrong", "quite-new-one", "quite-new-one", "not your present password"),
        (PASSWORD, "short", "short", "Expected 10 to"),
        (PASSWORD, "quite-new-one", "quite-new-two", "differs"),
    ],
)
def test_a_refused_password_says_why(site: Site, present: str, new: str, again: str, told: str) -> None:
    refused = site.visitor("ben").post("/password", {"present": present, "password": new, "again": again})

    assert refused.status_code == 422
    assert told in words(refused.text)


def test_guessing_the_present_password_is_stopped(ben: Visitor) -> None:
    guess = {"present": "wrong", "password": "quite-new-one", "again": "quite-new-one"}

    answers = [ben.post("/password", guess).status_code for _ in range(11)]

    assert answers == [422] * 10 + [429]


# ---- headers and limits --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/login", "/no-such-page", "/healthz", "/static/none.js", "/definitions/upload"])
def test_every_answer_carries_the_content_security_policy(site: Site, path: str) -> None:
    answer = site.visitor("ben").get(path)

    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_pages_are_not_kept_by_shared_caches(site: Site) -> None:
    assert site.visitor("ben").get("/").headers["Cache-Control"] == "private, no-cache"


def test_files_that_others_cache_carry_no_session(ben: Visitor) -> None:
    answer = ben.get("/static/icon.svg")
    answer.close()

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("taken", "sent"), [("br, gzip", "br"), ("gzip", "gzip"), ("br;q=0, identity", None), ("", None)]
)
def test_scripts_are_sent_as_small_as_the_browser_takes_them(site: Site, taken: str, sent: str | None) -> None:
    path = f"/static/dist/{assets.manifest()['src/app.js']['file']}"

    answer = site.app.test_client().get(path, headers={"Accept-Encoding": taken})
    answer.close()

    assert answer.headers.get("Content-Encoding") == sent
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.mimetype == "text/javascript"


def test_pages_with_a_token_are_never_compressed(ana: Visitor) -> None:
    answer = ana.client.get("/?search=" + "x" * 200, headers={"Accept-Encoding": "gzip, br"})

    assert "Content-Encoding" not in answer.headers


def test_a_diagram_is_compressed(ana: Visitor, site: Site) -> None:
    site.deploy("leave.bpmn")
    path = re.search(r"/definitions/\d+", ana.get("/definitions/").text)
    assert path

    plain = ana.get(f"{path.group()}/source")
    small = ana.client.get(f"{path.group()}/source", headers={"Accept-Encoding": "gzip"})

    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(small.data) == plain.data


def test_a_post_without_token_is_refused_with_advice(site: Site) -> None:
    answer = site.visitor("ben").client.post("/logout")

    assert answer.status_code == 400
    assert "open too long" in answer.text


def test_a_huge_upload_is_refused_with_a_page(ana: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(security, "MAX_UPLOAD_BYTES", 10_000)

    answer = ana.post("/definitions/upload", {"files": [(io.BytesIO(b"x" * 20_000), "big.bpmn")]})

    assert answer.status_code == 413
    assert "too large" in words(answer.text)


@pytest.mark.parametrize("path", ["/login", "/tasks/1/"])
def test_only_an_upload_may_be_large(ana: Visitor, path: str) -> None:
    assert ana.post(path, {"values": "x" * security.MAX_REQUEST_BYTES}).status_code == 413


@pytest.mark.parametrize("path", ["/?search=%00", "/definitions/%00/versions", "/instances/?name=%00&value=1"])
def test_a_nul_is_refused(ana: Visitor, path: str) -> None:
    assert ana.get(path).status_code == 400


def test_a_lost_session_loses_nothing_silently(site: Site) -> None:
    ben = site.visitor("ben")
    token = ben.token()
    with ben.client.session_transaction() as session:
        del session["_user_id"]

    sent = ben.client.post(
        "/tasks/1/claim", data={"csrf_token": token}, headers={"Referer": "http://localhost/?view=groups"}
    )

    assert sent.status_code == 302
    assert "next=/%3Fview%3Dgroups" in sent.location or "next=/?view%3Dgroups" in sent.location
    assert "nothing was changed" in ben.page(sent.location)


# ---- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/no-such-page", 404, "no such page"),
        ("/instances/4711", 404, "no instance 4711"),
        ("/tasks/4711/", 404, "no task 4711"),
        ("/definitions/4711", 404, "no definition 4711"),
        ("/timers", 403, "inspect"),
        ("/accounts/", 403, "accounts"),
        ("/definitions/upload", 403, "deploy"),
        ("/logout", 405, "Go back"),
    ],
)
def test_a_refusal_is_a_page_with_its_reason_and_a_way_back(site: Site, path: str, status: int, told: str) -> None:
    answer = site.visitor("ben").get(path)

    assert answer.status_code == status
    assert told in words(answer.text)
    assert "<h1" in answer.text
    assert "Go back" in answer.text


def test_htmx_gets_a_refusal_as_a_fragment(site: Site) -> None:
    answer = site.visitor("ben").get("/instances/4711", fragment=True)

    assert answer.status_code == 404
    assert "<html" not in answer.text


def test_a_button_of_a_page_whose_session_is_lost_leads_to_the_sign_in(site: Site) -> None:
    """The token of the page went with the session: that is not what the person did wrong."""
    ben = site.visitor("ben")
    token = ben.token()
    ben.client.delete_cookie("procession")

    answer = ben.client.post(
        "/tasks/1/claim", data={"csrf_token": token}, headers={"Referer": "http://localhost/?view=groups"}
    )

    assert (answer.status_code, answer.location) == (302, "/login?next=/?view%3Dgroups")
    assert "signed out, so nothing was changed" in ben.page(answer.location)


def test_a_signed_out_fragment_offers_to_sign_in(site: Site) -> None:
    answer = site.stranger().get("/", fragment=True)

    assert answer.status_code == 401
    assert "Sign in" in answer.text


def test_a_script_gets_a_refusal_as_json(site: Site) -> None:
    answer = site.visitor("ben").client.get("/instances/4711/state", headers={"Accept": "application/json"})

    assert answer.status_code == 404
    assert answer.json == {
        "error": {"status": 404, "title": "There is nothing here", "message": "There is no instance 4711."}
    }


def test_busy_asks_to_try_again_in_a_moment(ben: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def claim(tx: object, task_id: int) -> None:
        raise Busy("Expected instance 1 to be free, but another command holds it.")

    monkeypatch.setattr("web.inbox.user_tasks.claim", claim)

    answer = ben.post("/tasks/1/claim")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert "another command holds it" in words(answer.text)


def test_a_bug_of_ours_shows_a_page_and_no_detail(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    ben = site.visitor("ben")
    monkeypatch.setattr("web.inbox.user_tasks.counts", lambda tx: 1 / 0)
    site.app.testing = False

    answer = ben.get("/")

    assert answer.status_code == 500
    assert "our fault" in answer.text
    assert "division" not in answer.text


# ---- health and the key --------------------------------------------------------------------------------------------


def test_health_needs_no_sign_in(site: Site) -> None:
    stranger = site.stranger()

    assert stranger.get("/healthz").json == {"status": "live"}
    assert stranger.get("/readyz").json == {"status": "ready"}


def test_the_key_is_kept_beside_the_database_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/procession.db")

    first, second = security.secret_key(settings), security.secret_key(settings)

    assert first == second
    assert len(first) >= 64
    assert stat.S_IMODE((tmp_path / "procession.key").stat().st_mode) == 0o600


def test_a_database_on_a_server_needs_a_key_of_its_own() -> None:
    with pytest.raises(ValueError, match="PROCESSION_SECRET_KEY"):
        security.secret_key(Settings(database_url="postgresql://db/procession"))


def test_names_of_people_and_things_never_become_markup(site: Site, ana: Visitor) -> None:
    refused = ana.get(ana.upload("refused.bpmn").location)

    assert not re.search(r"Ask <b>", refused.text)
    assert "Ask <b>them</b>" in words(refused.text)
