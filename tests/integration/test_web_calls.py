"""Instances that call each other, on their pages: each leads to the other, and is shown to whom the other is."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import insert

from engine import SYSTEM, definitions, instances
from engine.bpmn.variables import PROCESS
from engine.storage.tables import InstanceRow, VariableRow
from tests.play import END, START, chain, document
from tests.site import Site, Visitor

INNER = '<userTask id="inner" name="Inner" camunda:assignee="ben"/>'
CALL = '<callActivity id="call" name="Call" calledElement="child"/>'


def named(key: str, body: str) -> bytes:
    return document(body).replace(b'id="p" name="Process"', f'id="{key}" name="The {key}"'.encode())


@pytest.fixture
def caller(site: Site) -> str:
    """The page of an instance that ana started, and that has called another one."""
    parent = named("parent", START + CALL + END + chain("start", "call", "end"))
    child = named("child", START + INNER + END + chain("start", "inner", "end"))
    with site.engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"parent.bpmn": parent, "child.bpmn": child})
    page = site.visitor("ana").start("The parent").location
    site.engine.run_until_idle()
    return page


def called_page(person: Visitor, caller: str) -> str:
    found = re.search(r'href="(/instances/\d+)">The child, instance', person.get(caller).text)
    assert found
    return found.group(1)


def test_caller_and_called_lead_to_each_other(caller: str, ana: Visitor) -> None:
    page = ana.page(caller)
    assert "Called instances The child, instance" in page
    assert re.search(r"Called instance \d+ of child, version 1", page)

    called = ana.get(called_page(ana, caller)).text

    assert f'href="{caller}">called by instance' in called
    assert "Called instances" not in called


def test_the_page_of_the_caller_hears_what_becomes_of_the_called(caller: str, ana: Visitor, site: Site) -> None:
    tag = ana.get(caller, fragment=True).headers["ETag"]
    called = int(called_page(ana, caller).rpartition("/")[2])

    with site.engine.transaction(SYSTEM) as tx:
        instances.cancel(tx, called, "to be heard of")

    fresh = ana.client.get(caller, headers={"HX-Request-Type": "partial", "If-None-Match": tag})
    assert fresh.status_code == 200
    assert "terminated" in fresh.text


def test_who_may_see_the_caller_may_see_the_called(caller: str, site: Site) -> None:
    mia = site.visitor("mia")
    mine = mia.start("The parent").location
    site.engine.run_until_idle()

    called = called_page(mia, mine)

    assert mia.get(called).status_code == 200
    assert mia.get(f"{called}/state").status_code == 200
    assert site.visitor("eve").get(called).status_code == 404
    assert mia.get(called_page(site.visitor("ana"), caller)).status_code == 404


def test_who_may_not_see_the_caller_has_no_way_there(caller: str, ana: Visitor, ben: Visitor) -> None:
    page = ben.get(called_page(ana, caller))  # he has the task in it

    assert "called by instance" in page.text
    assert f'href="{caller}"' not in page.text


def test_at_most_a_hundred_are_told_of_newest_first(caller: str, site: Site) -> None:
    caller_id = int(caller.rpartition("/")[2])
    with site.engine.transaction(SYSTEM) as tx:
        (first,) = instances.called(tx, caller_id)
        row = {column: getattr(first, column) for column in ("definition_id", "definition_key", "started_by", "status")}
        rows = [{**row, "started_at": tx.now, "caller_id": caller_id, "caller_token": "t"} for _ in range(100)]
        tx.session.execute(insert(InstanceRow), rows)

    with site.engine.reading(SYSTEM) as tx:
        found = [instance.id for instance in instances.called(tx, caller_id)]

    assert len(found) == 100
    assert found == sorted(found, reverse=True)
    assert first.id not in found


def test_bookkeeping_is_shown_to_nobody(caller: str, site: Site) -> None:
    instance_id = int(caller.rpartition("/")[2])
    with site.engine.transaction(SYSTEM) as tx:
        for scope, name in ((PROCESS, "shown"), (PROCESS, "#kept"), ("#1", "remembered")):
            tx.session.add(VariableRow(instance_id=instance_id, scope=scope, name=name, value="1"))

    with site.engine.reading(SYSTEM) as tx:
        assert [variable.name for variable in instances.variables(tx, instance_id)] == ["shown"]
