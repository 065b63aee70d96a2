"""Correlation keys that cannot be found out."""

from __future__ import annotations

import pytest

from engine.bpmn.nodes import OWN
from tests.unit.drawing import HEAD, HERE, between, problems, process, refused_file

KEY = '<collaboration id="c"><correlationKey id="k">{}</correlationKey></collaboration>'
REFERENCE = "<correlationPropertyRef>number</correlationPropertyRef>"
PROPERTY = '<correlationProperty id="number">\n{}</correlationProperty>'
RETRIEVAL = (
    '<correlationPropertyRetrievalExpression id="r" messageRef="paid">{}</correlationPropertyRetrievalExpression>'
)
PATH = "<messagePath>order_id</messagePath>"
BINDING = '<correlationPropertyBinding id="b" correlationPropertyRef="number">{}</correlationPropertyBinding>'
TASK = '<manualTask id="n"/>'


def file(root: str, inside: str = "") -> str:
    return process(f"{inside}{between(TASK)}").replace(HEAD, HEAD + root)


def test_a_whole_key_passes() -> None:
    bound = '<correlationSubscription correlationKeyRef="k">' + BINDING.format("<dataPath>mine</dataPath>")
    whole = KEY.format(REFERENCE) + PROPERTY.format(RETRIEVAL.format(PATH))

    assert problems(file(whole)) == []
    assert problems(file(whole, bound + "</correlationSubscription>")) == []


@pytest.mark.parametrize(
    ("element", "root"),
    [
        ("k", KEY.replace(">{}", f">{HERE}")),
        ("r", KEY.format(REFERENCE) + PROPERTY.format(RETRIEVAL.format(HERE))),
        ("r", KEY.format(REFERENCE) + PROPERTY.format(RETRIEVAL.format(PATH + PATH + HERE))),
        ("r", KEY.format(REFERENCE) + PROPERTY.format(RETRIEVAL.format(PATH.replace("order", "<x/>") + HERE))),
        (
            "r",
            KEY.format(REFERENCE) + PROPERTY.format(RETRIEVAL.replace(' messageRef="paid"', "").format(PATH) + HERE),
        ),
    ],
)
def test_what_is_incomplete_is_refused(element: str, root: str) -> None:
    refused_file("correlation", element, file(root))


def test_an_expression_is_looked_at() -> None:
    found = problems(file(KEY.format(REFERENCE) + PROPERTY.format(RETRIEVAL.format("<messagePath>a b</messagePath>"))))

    assert [problem.rule for problem in found] == ["expression-syntax"]


def test_a_message_carries_all_properties_of_a_key_or_none() -> None:
    two = KEY.format(REFERENCE + "<correlationPropertyRef>year</correlationPropertyRef>") + HERE
    root = two + PROPERTY.format(RETRIEVAL.format(PATH)) + '<correlationProperty id="year"/>'

    assert '"year" too' in refused_file("correlation", "k", file(root)).message


@pytest.mark.parametrize("inside", ["", BINDING.format("")])
def test_a_subscription_binds_every_property(inside: str) -> None:
    whole = KEY.format(REFERENCE) + PROPERTY.format(RETRIEVAL.format(PATH))
    told = f'<correlationSubscription id="s" correlationKeyRef="k">{inside}{HERE}</correlationSubscription>\n'

    refused_file("correlation", "b" if inside else "s", file(whole, told))


def test_the_attribute_of_ours_is_looked_at() -> None:
    own = f'<message id="m" name="m" xmlns:procession="{OWN}" procession:correlationKey="{{}}"/>{HERE}'

    assert problems(file(own.format("order_id"))) == []
    refused_file("expression-syntax", "m", file(own.format("order id")))


def test_the_attribute_of_ours_is_not_empty() -> None:
    own = f'<message id="m" name="m" xmlns:procession="{OWN}" procession:correlationKey=" "/>{HERE}'

    refused_file("correlation", "m", file(own))


WHOLE = KEY.format(REFERENCE) + PROPERTY.format(RETRIEVAL.format(PATH))
SUBSCRIPTION = '<correlationSubscription id="s" correlationKeyRef="k">' + BINDING.format("<dataPath>mine</dataPath>")
SUBSCRIPTION += "</correlationSubscription>"


@pytest.mark.parametrize(
    ("element", "root"),
    [
        ("k", KEY.format("<correlationPropertyRef/>" + HERE) + PROPERTY.format(RETRIEVAL.format(PATH))),
        ("k", KEY.format(REFERENCE + HERE) + PROPERTY.format("")),
        ("", KEY.replace(' id="k"', "").format(REFERENCE + HERE) + PROPERTY.format(RETRIEVAL.format(PATH))),
        (
            "r2",
            KEY.format(REFERENCE)
            + PROPERTY.format(RETRIEVAL.format(PATH) + "\n" + RETRIEVAL.replace('"r"', '"r2"').format(PATH) + HERE),
        ),
        ("k", KEY.format(REFERENCE * 21 + HERE) + PROPERTY.format(RETRIEVAL.format(PATH))),
        (
            "k20",
            "".join(KEY.replace('"c"', f'"c{at}"').replace('"k"', f'"k{at}"').format(REFERENCE) for at in range(21))
            + HERE
            + PROPERTY.format(RETRIEVAL.format(PATH)),
        ),
    ],
)
def test_keys_that_no_message_would_find_are_refused(element: str, root: str) -> None:
    refused_file("correlation", element, file(root))


def test_a_process_subscribes_to_a_key_once() -> None:
    again = SUBSCRIPTION.replace('"s"', '"s2"').replace('"b"', '"b2"')

    refused_file("correlation", "s2", file(WHOLE, f"{SUBSCRIPTION}\n{again}{HERE}\n"))


def test_only_a_process_subscribes() -> None:
    inside = f'<subProcess id="n">{SUBSCRIPTION}{HERE}<startEvent id="in"/></subProcess>'

    refused_file("correlation", "s", process(between(inside)).replace(HEAD, HEAD + WHOLE))


def test_a_quote_in_an_id_is_a_character() -> None:
    content = file(WHOLE.replace("number", "n'o"))

    assert problems(content) == []


def test_many_properties_and_messages_are_looked_at_once() -> None:
    some = range(2_000)
    said = "".join(
        f'<message id="m{at}" name="m{at}"/><correlationProperty id="p{at}">'
        f'<correlationPropertyRetrievalExpression messageRef="m{at}">{PATH}</correlationPropertyRetrievalExpression>'
        "</correlationProperty>"
        for at in some
    )
    key = KEY.format("".join(f"<correlationPropertyRef>p{at}</correlationPropertyRef>" for at in some))

    assert "at most 20 properties" in problems(file(said + key))[0].message
