"""The pages of messages: who waits, what is kept, sending by hand; and on the page of an instance."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from engine import SYSTEM, definitions, instances, messages
from tests.play import END, START, chain, document, user
from tests.site import Site, questions, words

PAID = '<messageEventDefinition messageRef="paid"/>'
ALARM = '<signalEventDefinition signalRef="alarm"/>'
CONDITION = '<condition xsi:type="tFormalExpression">amount > 3</condition>'
CONDITION = f"<conditionalEventDefinition>{CONDITION}</conditionalEventDefinition>"


def catches(definition: str) -> str:
    body = START + f'<intermediateCatchEvent id="wait" name="Money">{definition}</intermediateCatchEvent>'
    return body + user("after") + END + chain("start", "wait", "after", "end")


def deploy(site: Site, body: str, key: str = "p") -> None:
    told = document(body).replace(b'<process id="p"', f'<process id="{key}"'.encode())
    with site.engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {f"{key}.bpmn": told})


def keyed(body: str) -> bytes:
    drawn = document(body, root='<message id="paid" name="paid" procession:correlationKey="order"/>')
    return drawn.replace(b"<definitions ", b'<definitions xmlns:procession="urn:procession:bpmn:1" ')


def start(site: Site, business_key: str | None = None, **variables: object) -> int:
    with site.engine.transaction(SYSTEM) as tx:
        return instances.start(tx, "p", business_key=business_key, variables=variables).id


def process_values(site: Site, instance_id: int) -> object:
    with site.engine.reading(SYSTEM) as tx:
        return instances.process_values(tx, instance_id)


# ---- who waits -----------------------------------------------------------------------------------------------------


def test_who_waits_is_listed_with_its_key(site: Site) -> None:
    root = site.visitor("root")
    assert "Nobody waits for a message" in root.page("/messages/")
    with site.engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"p.bpmn": keyed(catches(PAID))})
    start(site, "order 7", order="A7")
    second = start(site, order="A8")
    deploy(site, f'<startEvent id="start">{ALARM}</startEvent>' + END + chain("start", "end"), "q")

    page = root.page("/messages/")

    assert "message paid with key A7 Process · Money · order 7" in page
    assert f"message paid with key A8 Process · Money · instance {second}" in page
    assert "signal alarm Process · start · starts a new instance" in page
    assert "A7" not in root.page("/messages/?name=alarm") and "Nobody waits for other" in root.page(
        "/messages/?name=other"
    )


def test_the_list_is_paged_and_asks_as_much_for_many(site: Site) -> None:
    deploy(site, catches(PAID))
    root = site.visitor("root")
    start(site)
    with questions(site) as few:
        root.page("/messages/")
    for _ in range(60):
        start(site)

    with questions(site) as many:
        page = root.page("/messages/")

    assert len(many) == len(few)
    assert "1 to 50 of 61" in page and "51 to 61 of 61" in root.page("/messages/?offset=50")


def test_an_instance_tells_what_it_waits_for(site: Site) -> None:
    with site.engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"p.bpmn": keyed(catches(PAID))})
    waiting = start(site, order="<b>")

    answer = site.visitor("root").get(f"/instances/{waiting}").text

    assert "Waits for message paid with key <b> at Money" in words(answer)
    assert f"/messages/send?kind=message&amp;name=paid&amp;instance={waiting}" in answer
    assert "/messages/send" not in site.visitor("ana").get(f"/instances/{waiting}").text


def test_a_key_that_follows_its_variable_is_told_anew(site: Site) -> None:
    body = START + '<parallelGateway id="fork"/>' + f'<receiveTask id="wait" messageRef="paid"/>{user("work")}' + END
    body += chain("start", "fork", "wait", "end") + chain("fork", "work")
    with site.engine.transaction(SYSTEM) as tx:
        definitions.deploy(tx, {"p.bpmn": keyed(body)})
    waiting = start(site, order="A7")
    with site.engine.transaction(SYSTEM) as tx:
        instances.set_variable(tx, waiting, "order", '"B8"', seen='"A7"')

    assert "with key B8" in site.visitor("root").page(f"/instances/{waiting}")


def test_an_instance_tells_the_condition_it_waits_for(site: Site) -> None:
    deploy(site, catches(CONDITION))
    waiting = start(site, amount=1)

    root = site.visitor("root")
    assert "Waits for condition amount > 3 at Money" in root.page(f"/instances/{waiting}")
    with site.engine.transaction(SYSTEM) as tx:
        instances.set_variable(tx, waiting, "amount", "5", seen="1")
    assert "Waits for" not in root.page(f"/instances/{waiting}")


# ---- sending -------------------------------------------------------------------------------------------------------


def test_a_message_is_sent_by_hand(site: Site) -> None:
    deploy(site, catches(PAID))
    start(site)
    waiting = start(site)
    root = site.visitor("root")
    form = root.get(f"/messages/send?kind=message&name=paid&instance={waiting}").text
    assert 'value="paid"' in form and f'value="{waiting}"' in form

    told = {"kind": "message", "name": "paid", "instance": str(waiting), "variables": '{"amount": 12}'}
    answer = root.post("/messages/send", told)

    assert answer.headers["Location"] == f"/instances/{waiting}"
    page = root.page(f"/instances/{waiting}")
    assert f"Message paid was taken by instance {waiting} of Process." in page and "Waits for" not in page
    assert process_values(site, waiting) == {"amount": 12}


def test_a_message_begins_an_instance(site: Site) -> None:
    deploy(site, f'<startEvent id="start">{PAID}</startEvent>' + user("after") + END + chain("start", "after", "end"))
    root = site.visitor("root")

    answer = root.post("/messages/send", {"kind": "message", "name": "paid", "business_key": "A7"})

    address = answer.headers["Location"]
    begun = address.rpartition("/")[2]
    assert f"Message paid has begun instance {begun} of Process." in root.page(address)


def test_nobody_waits(site: Site) -> None:
    answer = site.visitor("root").post("/messages/send", {"kind": "message", "name": "payed", "variables": '{"a": 1}'})

    assert answer.status_code == 404
    assert 'wait for message "payed", but none does' in words(answer.text)
    assert "/messages/?name=payed" in answer.text and "{&#34;a&#34;: 1}" in answer.text


def test_several_wait(site: Site) -> None:
    deploy(site, catches(PAID))
    one, other = start(site), start(site)

    answer = site.visitor("root").post("/messages/send", {"kind": "message", "name": "paid"})

    assert (answer.status_code, f"but these do: {one}, {other}." in words(answer.text)) == (409, True)


def test_a_signal_is_sent_by_hand(site: Site) -> None:
    deploy(site, catches(ALARM))
    waiting = [start(site), start(site)]
    root = site.visitor("root")

    answer = root.post("/messages/send", {"kind": "signal", "name": "alarm", "variables": '{"level": 2}'})

    assert "Signal alarm goes to 2 that wait for it." in root.page(answer.headers["Location"])
    site.engine.run_until_idle()
    assert [process_values(site, each) for each in waiting] == [{"level": 2}] * 2
    unheard = root.post("/messages/send", {"kind": "signal", "name": "alarm"})
    assert (unheard.status_code, "but nobody does" in unheard.text) == (404, True)


@pytest.mark.parametrize(
    ("told", "words_"),
    [
        ({"name": ""}, "Expected a name"),
        ({"variables": "{"}, "a value in JSON"),
        ({"variables": "[1]"}, "a JSON object such as"),
        ({"variables": '{"": 1}'}, "the name of a variable"),
        ({"variables": json.dumps({"x" * 300: 1})}, "at most 255"),
        ({"instance": "first"}, "the number of an instance"),
        ({"instance": "9" * 19}, "the number of an instance"),
        ({"business_key": "x" * 300}, "at most 255"),
        ({"kind": "signal", "business_key": "x"}, "a signal goes to all"),
    ],
)
def test_what_does_not_fit_is_told(site: Site, told: dict[str, str], words_: str) -> None:
    answer = site.visitor("root").post("/messages/send", {"kind": "message", "name": "paid", **told})
    assert (answer.status_code, words_ in words(answer.text)) == (422, True), words(answer.text)


# ---- kept ----------------------------------------------------------------------------------------------------------


def test_kept_messages_are_listed_and_deleted(site: Site) -> None:
    root = site.visitor("root")
    assert "No message is kept" in root.page("/messages/kept")
    with site.engine.transaction(SYSTEM) as tx:
        messages.correlate(tx, "paid", correlation_key="A7", lifetime=timedelta(hours=1))

    page = root.get("/messages/kept").text
    assert "paid from outside · with key A7 · kept just now" in words(page)
    (path,) = re.findall(r'action="(/messages/kept/\d+/delete)"', page)
    assert "Delete" not in site.visitor("ana").page("/messages/kept")

    assert root.post(path).status_code == 302
    assert "No message is kept" in root.page("/messages/kept")
    assert root.post(path).status_code == 404
    site.advance(hours=2)
    assert "No incident" in root.page("/incidents") or "Nothing" in root.page("/incidents")


def test_one_that_nobody_took_in_time_goes_with_its_incident(site: Site) -> None:
    root = site.visitor("root")
    with site.engine.transaction(SYSTEM) as tx:
        messages.correlate(tx, "paid", lifetime=timedelta(hours=1))
    site.advance(hours=2)
    page = root.get("/messages/kept").text
    assert "nobody took it in time" in page and "nobody took it in time" in root.page("/incidents")

    root.post(re.findall(r'action="(/messages/kept/\d+/delete)"', page)[0])

    assert "nobody took it in time" not in root.page("/incidents")


# ---- who may -------------------------------------------------------------------------------------------------------


def test_who_may(site: Site) -> None:
    ana, ben = site.visitor("ana"), site.visitor("ben")
    assert ana.get("/messages/").status_code == 200 and "Send a message" not in ana.page("/messages/")
    for path in ("/messages/", "/messages/kept", "/messages/send"):
        assert ben.get(path).status_code == 403
    assert ana.get("/messages/send").status_code == 403
    for person in (ana, ben):
        assert person.post("/messages/send", {"name": "paid"}).status_code == 403
        assert person.post("/messages/kept/1/delete").status_code == 403
