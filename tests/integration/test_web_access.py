"""The pages of access tokens: made and shown once, listed, deleted; for administrators only."""

from __future__ import annotations

import re

from tests.site import Site


def test_a_token_is_made_on_a_page_and_lets_a_program_in(site: Site) -> None:
    root = site.visitor("root")
    assert "No program has access" in root.page("/access/")

    made = root.post("/access/new", {"name": "rater", "scopes": ["work", "message"], "life": "30"})

    (secret,) = re.findall(r'value="(procession_[^"]+)"', made.text)
    assert (made.status_code, made.headers["Cache-Control"]) == (200, "no-store")
    told = {"Authorization": f"Bearer {secret}"}
    assert site.app.test_client().get("/engine-rest/external-task", headers=told).status_code == 200
    page = root.page("/access/")
    assert "rater" in page and "message work" in page and secret not in page

    assert root.post("/access/rater/delete").status_code == 302
    assert site.app.test_client().get("/engine-rest/external-task", headers=told).status_code == 401


def test_what_does_not_fit_is_told_at_its_field(site: Site) -> None:
    root = site.visitor("root")
    refused = root.post("/access/new", {"name": "My Token", "life": "9999"})
    assert refused.status_code == 422
    assert "a-z, 0-9" in refused.text and "Expected some of" in refused.text and "Expected from 1 to" in refused.text

    root.post("/access/new", {"name": "rater", "scopes": "work", "life": "30"})
    again = root.post("/access/new", {"name": "rater", "scopes": "work", "life": "30"})
    assert (again.status_code, "named rater already" in again.text) == (422, True)


def test_only_administrators_see_and_make_tokens(site: Site) -> None:
    ana = site.visitor("ana")
    assert ana.get("/access/").status_code == 403
    assert ana.get("/access/new").status_code == 403
    assert ana.post("/access/new", {"name": "x", "scopes": "work", "life": "30"}).status_code == 403
    assert ana.post("/access/x/delete").status_code == 403
    assert site.visitor("root").post("/access/x/delete").status_code == 404
