"""Users and groups: found, added, changed, switched off, given a new password."""

from __future__ import annotations

import pytest

from tests.site import PASSWORD, Site, Visitor, words

ZOE = {
    "id": "zoe",
    "name": "Zoe",
    "email": "zoe@example.com",
    "roles": ["approver", "analyst"],
    "groups": "clerks, night shift",
    "password": PASSWORD,
    "again": PASSWORD,
}


def test_users_and_groups_are_listed(root: Visitor) -> None:
    page = root.page("/accounts/")

    assert "Ana" in page
    assert "managers" in page
    assert "Ben" not in root.page("/accounts/?search=ana")


def test_a_new_user_can_sign_in_at_once(site: Site, root: Visitor) -> None:
    assert root.post("/accounts/new", ZOE).status_code == 302

    assert site.stranger().sign_in("zoe").status_code == 302
    assert "night shift" in root.page("/accounts/?search=zoe")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "ana"}, "ana"),
        ({"id": ""}, "Expected"),
        ({"password": "short", "again": "short"}, "Expected 10 to"),
        ({"again": "other"}, "differs"),
    ],
)
def test_a_refused_user_says_why_and_keeps_what_was_typed(root: Visitor, change: dict[str, str], told: str) -> None:
    refused = root.post("/accounts/new", {**ZOE, **change})

    assert refused.status_code == 422
    assert told in words(refused.text)
    assert 'value="zoe@example.com"' in refused.text


def test_roles_and_groups_are_changed(site: Site, root: Visitor) -> None:
    changed = {"name": "Ben B.", "email": "", "roles": ["approver", "admin"], "groups": "", "is_active": "1"}

    root.post("/accounts/ben/change", changed)

    assert site.visitor("ben").get("/accounts/").status_code == 200
    assert "Ben B." in root.page("/accounts/")


def test_a_user_switched_off_is_out_at_once(site: Site, root: Visitor) -> None:
    ben = site.visitor("ben")

    root.post("/accounts/ben/change", {"name": "Ben", "roles": ["approver"], "groups": "managers"})

    assert ben.get("/").status_code == 302
    assert site.stranger().sign_in("ben").status_code == 422


def test_a_password_set_by_an_administrator_ends_sessions(site: Site, root: Visitor) -> None:
    ben = site.visitor("ben")

    root.post("/accounts/ben/password", {"password": "quite-new-one", "again": "quite-new-one"})

    assert ben.get("/").status_code == 302
    assert site.stranger().sign_in("ben", "quite-new-one").status_code == 302


@pytest.mark.parametrize("path", ["/accounts/", "/accounts/new", "/accounts/ben/change"])
def test_others_may_not_look_at_accounts(ana: Visitor, path: str) -> None:
    assert ana.get(path).status_code == 403


@pytest.mark.parametrize("path", ["/accounts/new", "/accounts/ben/change", "/accounts/ben/password"])
def test_others_may_not_change_accounts(site: Site, ana: Visitor, path: str) -> None:
    assert ana.post(path, {**ZOE, "is_active": "1"}).status_code == 403
    assert site.stranger().sign_in("ben").status_code == 302


def test_an_unknown_account_is_a_page(root: Visitor) -> None:
    assert root.get("/accounts/zoe/change").status_code == 404


def test_nobody_sets_a_password_without_the_present_one_or_the_right(site: Site, ben: Visitor) -> None:
    assert (
        ben.post("/accounts/ben/password", {"password": "quite-new-one", "again": "quite-new-one"}).status_code == 403
    )
    assert site.stranger().sign_in("ben").status_code == 302


def test_the_last_administrator_stays_one(root: Visitor) -> None:
    refused = root.post("/accounts/root/change", {"name": "Root", "roles": ["approver"], "is_active": "1"})

    assert refused.status_code == 409
    assert root.get("/accounts/").status_code == 200
