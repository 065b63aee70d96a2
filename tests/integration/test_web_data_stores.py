"""The page of data stores: seen by who inspects, changed by who repairs."""

from __future__ import annotations

import pytest

from engine import data_stores
from tests.driver import ROOT
from tests.site import Site, Visitor


@pytest.fixture
def stock(site: Site) -> Site:
    with site.engine.transaction(ROOT) as tx:
        data_stores.put(tx, "Stock/<b>", {"A4": 3})
    return site


def value(site: Site) -> object:
    with site.engine.reading(ROOT) as tx:
        return data_stores.get(tx, "Stock/<b>").value


CHANGE = "/data-stores/change?name=Stock/<b>"


def test_an_empty_list_says_what_would_be_there(root: Visitor) -> None:
    assert "No data store was written yet" in root.page("/data-stores/")


def test_they_are_listed_with_their_values(stock: Site) -> None:
    page = stock.visitor("root").get("/data-stores/").text

    assert "Stock/&lt;b&gt;" in page
    assert "A4" in page


def test_one_is_changed(stock: Site) -> None:
    root = stock.visitor("root")
    assert "A4" in root.get(CHANGE).text

    saved = root.post(CHANGE, {"value": '{"A4": 2, "A5": 1}', "version": "1"})

    assert saved.status_code == 302
    assert value(stock) == {"A4": 2, "A5": 1}


@pytest.mark.parametrize("text", ["", "{", "nonsense", '{"$": ["unknown", 1]}', "[" * 100_000, "NaN"])
def test_what_is_no_json_is_told(stock: Site, text: str) -> None:
    refused = stock.visitor("root").post(CHANGE, {"value": text, "version": "1"})

    assert refused.status_code == 422
    assert 'aria-invalid="true"' in refused.text
    assert "Expected a value in JSON" in refused.text
    assert value(stock) == {"A4": 3}


def test_what_was_written_meanwhile_is_not_overwritten(stock: Site) -> None:
    root = stock.visitor("root")
    root.post(CHANGE, {"value": "1", "version": "1"})

    assert root.post(CHANGE, {"value": "2", "version": "1"}).status_code == 409
    assert value(stock) == 1


def test_only_who_may_looks_and_changes(stock: Site) -> None:
    ben = stock.visitor("ben")

    assert ben.get("/data-stores/").status_code == 403
    assert ben.get(CHANGE).status_code == 403
    assert ben.post(CHANGE, {"value": "1", "version": "1"}).status_code == 403
    assert stock.visitor("root").get("/data-stores/change?name=none").status_code == 404
