"""Data associations that cannot be executed as drawn."""

from __future__ import annotations

from time import process_time

import pytest

from engine.model.problems import Severity
from tests.unit.drawing import (
    END,
    HEAD,
    HERE,
    START,
    accepted,
    between,
    chain,
    problems,
    process,
    refused,
    refused_file,
)

ORDER = '<dataObject id="order"/>'
SPECIFIED = '<ioSpecification><dataInput id="i" name="x"/></ioSpecification>'
GIVING = '<ioSpecification><dataInput id="i" name="x"/><dataOutput id="o" name="y"/></ioSpecification>'

DRAWN = '<dataStoreReference id="drawn"/>'


def inward(inner: str) -> str:
    return f"<dataInputAssociation>{inner}</dataInputAssociation>"


def outward(inner: str) -> str:
    return f"<dataOutputAssociation>{inner}</dataOutputAssociation>"


def ends(source: str, target: str) -> str:
    told = f"<sourceRef>{source}</sourceRef>" * bool(source)
    return f"{told}<targetRef>{target}</targetRef>"


def assigned(value: str, to: str) -> str:
    return f"<assignment><from>{value}</from><to>{to}</to></assignment>"


def task(association: str) -> str:
    told = GIVING if "<sourceRef>o<" in association else SPECIFIED
    return ORDER + between(f'<manualTask id="n">{told}\n{association}</manualTask>')


SUM = "<transformation>order + 1</transformation>"


@pytest.mark.parametrize(
    "association",
    [
        inward(ends("order", "i")),
        inward(ends("order", "i") + SUM),
        inward(ends("order", "i") + assigned("order", "x")),
        inward(ends("order", "i") + assigned("order", "x.sum")),
        inward(ends("order", "i") + assigned("order", 'x["sum"].old')),
        inward(ends("", "i") + assigned("1", "x")),
        outward(ends("o", "order")),
        outward(ends("o", "order") + assigned("y", "order.sum")),
    ],
)
def test_data_that_moves_passes(association: str) -> None:
    accepted(task(association))


@pytest.mark.parametrize(
    "association",
    [
        inward(ends("order", "n")),
        inward(ends("nothing", "nowhere")),
        '<property id="q" name="__targetRef_placeholder"/>' + inward(ends("order", "q")),
        outward(ends("n", "order")),
        outward(ends("", "order")),
        inward(ends("drawn", "i")),
    ],
)
def test_drawings_pass(association: str) -> None:
    accepted(DRAWN + task(association))


@pytest.mark.parametrize(
    ("association", "told"),
    [
        (inward(ends("nothing", "i")), 'no element "nothing"'),
        (outward(ends("o", "nowhere")), 'no element "nowhere"'),
        (outward(ends("o", "n")), '"n" is a manualTask'),
        (inward(ends("x", "y") + SUM).replace("<targetRef>y</targetRef>", ""), "targetRef"),
        (inward(ends("", "i")), "but there are 0"),
        (inward(ends("order", "i").replace("<target", "<sourceRef>order</sourceRef><target")), "but there are 2"),
        (inward(ends("order", "order")), "lies outside"),
        (outward(ends("o", "i")), "its own dataInput"),
        (inward(ends("order", "i") + assigned("order", "z")), 'but it sets "z"'),
        (inward(ends("order", "i") + assigned("order", "order.sum")), 'but it sets "order"'),
        (inward(ends("order", "i") + assigned("order", "x[0]")), "Expected a name, or a field in it"),
        (inward(ends("order", "i") + assigned("order", "x[order]")), "Expected a name, or a field in it"),
        (inward(ends("order", "i") + assigned("order", "f(x)")), "Expected a name, or a field in it"),
        (inward(ends("order", "i") + assigned("order", "getDataInput('x')/a")), "Expected a name, or a field in it"),
        (inward(ends("order", "i") + assigned("order", ".".join("x" * 60))), "Expected a name, or a field in it"),
        (inward(ends("order", "i") + assigned("order", "")), '"to"'),
        (inward(ends("order", "i") + assigned("", "x")), '"from"'),
        (inward(ends("order", "i") + "<transformation/>"), "empty"),
    ],
)
def test_data_that_cannot_move_is_refused(association: str, told: str) -> None:
    problem = refused_all(task(association))

    assert told in problem


def refused_all(content: str) -> str:
    """Every problem of the task's associations, in one text."""
    found = problems(process(content))
    assert found
    assert {(each.rule, each.element_id) for each in found} == {("data-association", "n")}
    assert all(each.fix for each in found)
    return "\n".join(map(str, found))


def test_the_place_of_a_wrong_end_is_told() -> None:
    association = inward("<sourceRef>order</sourceRef>\n<targetRef>i</targetRef>\n" + assigned("1", f"\nz{HERE}"))

    assert refused("data-association", "n", task(association).replace("<to>\nz", "<to>z"))


@pytest.mark.parametrize("text", ["order >", "order = 1", "true", "=order >", "=some order"])
def test_expressions_are_checked(text: str) -> None:
    wrong = text.replace(">", "&gt;")

    for computed in (f"<transformation>{wrong}{HERE}</transformation>", assigned(f"{wrong}{HERE}", "x")):
        refused("expression-syntax", "n", task(inward(ends("order", "i") + computed)))


def test_expressions_of_another_language_are_refused() -> None:
    computed = f'<transformation language="http://www.w3.org/1999/XPath">order{HERE}</transformation>'

    refused("script-language", "n", task(inward(ends("order", "i") + computed)))


def test_an_expression_cannot_read_what_has_no_name() -> None:
    order = '<dataObject id="the-order" name="the order"/>'
    association = inward(ends("the-order", "i") + f"<transformation>1</transformation>{HERE}")

    problem = refused("data-association", "n", order + task(association))

    assert '"the order"' in problem.message
    assert "the_order" in problem.fix
    accepted(order + task(inward(ends("the-order", "i"))))


# ---- who sees it ---------------------------------------------------------------------------------------------------


def inside(declared: str, task: str) -> str:
    """A sub-process with a task before another one of the process."""
    body = f'<startEvent id="s2"/>{task}<endEvent id="e2"/>{chain("s2", "t", "e2")}'
    return f'<subProcess id="around">{declared}{body}</subProcess>'


def after(sub: str, task: str) -> str:
    return f"{START}{sub}\n{task}\n{END}{chain('start', 'around', 'n', 'end')}"


def test_data_of_another_sub_process_is_not_seen() -> None:
    sub = inside('<dataObject id="draft"/>', '<task id="t"/>')
    reading = f'<task id="n">{SPECIFIED}{inward(ends("draft", "i"))}{HERE}</task>'

    problem = refused("data-association", "n", after(sub, reading))

    assert 'belongs to the subProcess "around"' in problem.message


def test_a_data_input_of_another_task_is_not_seen() -> None:
    other = '<task id="t"><ioSpecification><dataInput id="q" name="z"/></ioSpecification></task>'
    reading = f'<task id="n">{SPECIFIED}{inward(ends("q", "i"))}{HERE}</task>'

    refused("data-association", "n", after(inside("", other), reading))


def test_data_that_is_hidden_is_not_seen() -> None:
    sub = '<dataObject id="outer" name="order"/>' + inside(
        '<dataObject id="inner" name="order"/>',
        f'\n<task id="t">{SPECIFIED}{inward(ends("outer", "i"))}{HERE}</task>',
    )

    problem = refused("data-association", "t", after(sub, '<task id="n"/>'))

    assert "hidden" in problem.message


def test_a_loop_over_data_that_is_not_seen_is_refused() -> None:
    loop = f"<multiInstanceLoopCharacteristics><loopDataInputRef>draft{HERE}</loopDataInputRef>"
    sub = inside('<dataObject id="draft"/>', '<task id="t"/>')

    refused("data-association", "n", after(sub, f'<task id="n">{loop}</multiInstanceLoopCharacteristics></task>'))


def test_an_association_belongs_to_an_activity_or_event() -> None:
    gateway = f'<exclusiveGateway id="n">{inward(ends("order", "i"))}{HERE}</exclusiveGateway>'

    refused("misplaced-element", "n", between(gateway))


def test_a_data_output_that_nothing_takes_out_is_told() -> None:
    for association in (outward(ends("i", "order")), outward(ends("o", "drawn"))):
        content = ORDER + between(f'<task id="n">\n{GIVING}{HERE}{association}</task>')

        problem = refused("data-association", "n", DRAWN + content, severity=Severity.WARNING)

        assert '"y"' in problem.message


# ---- data stores ---------------------------------------------------------------------------------------------------


def stored(store: str, content: str) -> str:
    return process(content).replace(HEAD, f"{HEAD}{store}\n")


@pytest.mark.parametrize(
    "store",
    [
        '<dataStore id="s" name="Stock"/>',
        '<dataStore id="s" capacity="3" isUnlimited="false"/>',
        '<dataStore id="s" capacity="some"/>',
    ],
)
def test_data_stores_pass(store: str) -> None:
    reference = '<dataStoreReference id="r" dataStoreRef="s"/>'
    text = stored(store, reference + task(inward(ends("r", "i")) + outward(ends("o", "r"))))

    assert problems(text) == []


def test_a_capacity_is_a_number() -> None:
    store = f'<dataStore id="s" capacity="some" isUnlimited="false"/>{HERE}'

    refused_file("data-association", "s", stored(store, between('<task id="n"/>')))


def test_a_loop_does_not_name_a_data_store() -> None:
    loop = f"<multiInstanceLoopCharacteristics><loopDataInputRef>r{HERE}</loopDataInputRef>"
    reference = '<dataStoreReference id="r" dataStoreRef="s"/>'
    content = reference + between(f'<task id="n">{loop}</multiInstanceLoopCharacteristics></task>')

    refused_file("data-association", "n", stored('<dataStore id="s"/>', content))


def test_names_of_our_own_are_refused() -> None:
    refused("invalid-id", "#items", between(f'<task id="n">\n<property id="#items"/>{HERE}</task>'))


@pytest.mark.parametrize(
    "sets",
    [
        f"<inputSet/><inputSet/>{HERE}",
        f"<inputSet/><outputSet/><outputSet/>{HERE}",
        f"<inputSet><whileExecutingInputRefs>i</whileExecutingInputRefs>{HERE}</inputSet>",
        f"<outputSet><whileExecutingOutputRefs>o</whileExecutingOutputRefs>{HERE}</outputSet>",
    ],
)
def test_sets_with_alternatives_are_refused(sets: str) -> None:
    specified = SPECIFIED.replace("</io", f"\n{sets}</io")

    refused("unsupported-element", "n", between(f'<task id="n">{specified}</task>'))


def test_one_set_of_each_passes() -> None:
    sets = "<inputSet><dataInputRefs>i</dataInputRefs></inputSet><outputSet/>"

    accepted(between(f'<task id="n">{SPECIFIED.replace("</io", f"{sets}</io")}</task>'))


def test_data_is_looked_up_once_for_all_associations() -> None:
    """What stands in a container is not looked through for each of them."""
    numbers = range(3_000)
    objects = "".join(f'<dataObject id="d{number}"/>' for number in numbers)
    tasks = "".join(_reading(number) for number in numbers)
    inner = f'<startEvent id="s2"/>{tasks}<endEvent id="e2"/>' + chain("s2", *(f"t{n}" for n in numbers), "e2")
    content = f'<dataObject id="outer"/><subProcess id="n">{objects}{inner}</subProcess>'

    begun = process_time()
    problems(process(between(content)))
    assert process_time() - begun < 5


def _reading(number: int) -> str:
    specified = f'<ioSpecification><dataInput id="i{number}" name="x"/></ioSpecification>'
    return f'<task id="t{number}">{specified}{inward(ends("outer", f"i{number}"))}</task>'


def test_the_values_of_one_activity_are_bounded() -> None:
    many = inward(ends("order", "i") + assigned("1", "x.a") * 501)

    problem = refused("data-association", "n", task(f"{many}{HERE}"))

    assert "501" in problem.message


def test_the_names_of_one_activity_are_bounded() -> None:
    many = "".join(f'<property id="q{number}"/>' for number in range(501))

    refused("data-association", "n", between(f'{HERE}<task id="n">{many}</task>'))


def test_the_end_of_an_association_is_a_plain_text() -> None:
    ends = "<sourceRef>d</sourceRef><targetRef>d<sourceRef>d</sourceRef></targetRef>"
    task = f'<manualTask id="n"><dataOutputAssociation>\n{ends}{HERE}</dataOutputAssociation></manualTask>'

    refused("misplaced-element", "n", f'<dataObject id="d"/>{between(task)}')
