"""Texts that nobody should write, in every place that is read: told as problems, or ready to run."""

from __future__ import annotations

import random
from xml.sax.saxutils import escape, quoteattr

import pytest

from engine import Engine, Invalid, definitions, instances, user_tasks
from tests.driver import ROOT
from tests.unit.drawing import END, START, chain, flow, process


def around(node: str) -> str:
    """A process of a start, the node "n" and an end."""
    return START + node + END + chain("start", "n", "end")


def task(inside: str) -> str:
    return around(f'<task id="n">{inside}</task>')


def user(attributes: str = 'camunda:assignee="a"', inside: str = "") -> str:
    return around(f'<userTask id="n" {attributes}>{inside}</userTask>')


def each(attributes: str, inside: str = "") -> str:
    return task(f"<multiInstanceLoopCharacteristics {attributes}>{inside}</multiInstanceLoopCharacteristics>")


def mapped(parameter: str) -> str:
    return task(f"<extensionElements><camunda:inputOutput>{parameter}</camunda:inputOutput></extensionElements>")


def field(attributes: str, inside: str = "") -> str:
    drawn = f"<camunda:formField {attributes}>{inside}</camunda:formField>"
    return user(inside=f"<extensionElements><camunda:formData>{drawn}</camunda:formData></extensionElements>")


def timer(tag: str) -> str:
    return f"<timerEventDefinition><{tag}>TEXT</{tag}></timerEventDefinition>"


DECIDING = f'{START}<exclusiveGateway id="g" default="g-end"/>{END}<task id="b"/>'
CHOOSING = f'{START}<userTask id="n" camunda:assignee="a"/><exclusiveGateway id=QUOTED/>{END}<endEvent id="b"/>'
TIMES = ("timeDate", "timeDuration", "timeCycle")
PERFORMER = "<resourceAssignmentExpression><formalExpression>TEXT</formalExpression></resourceAssignmentExpression>"
PLACES = {
    "condition": DECIDING + chain("start", "g") + flow("g", "b", "TEXT") + flow("g", "end") + chain("b", "end"),
    "choice": CHOOSING
    + chain("start", "n")
    + '<sequenceFlow id="x" sourceRef="n" targetRef=QUOTED/>'
    + '<sequenceFlow id="y" name="Y" sourceRef=QUOTED targetRef="end"/>'
    + '<sequenceFlow id="z" name="Z" sourceRef=QUOTED targetRef="b"/>',
    "assignee": user("camunda:assignee=QUOTED"),
    **{
        word: user(f'camunda:assignee="a" camunda:{word}=QUOTED')
        for word in ("candidateUsers", "candidateGroups", "dueDate", "followUpDate", "priority", "formKey")
    },
    "owner": user("", f"<potentialOwner>{PERFORMER}</potentialOwner>"),
    "result": around('<serviceTask id="n" camunda:topic="t" camunda:resultVariable=QUOTED/>'),
    "initiator": f'<startEvent id="start" camunda:initiator=QUOTED/>{END}' + chain("start", "end"),
    "script": around('<scriptTask id="n"><script>TEXT</script></scriptTask>'),
    "collection": each("camunda:collection=QUOTED"),
    "item": each('camunda:collection="c" camunda:elementVariable=QUOTED'),
    "cardinality": each("", "<loopCardinality>TEXT</loopCardinality>"),
    **{
        tag: each('camunda:collection="c"', f"<{tag}>TEXT</{tag}>")
        for tag in ("loopDataInputRef", "loopDataOutputRef", "completionCondition")
    },
    **{
        tag: each('camunda:collection="c"', f'<{tag} id="i" name=QUOTED/>')
        for tag in ("inputDataItem", "outputDataItem")
    },
    "loopCondition": task(
        '<standardLoopCharacteristics loopMaximum="3"><loopCondition>TEXT</loopCondition></standardLoopCharacteristics>'
    ),
    "loopMaximum": task("<standardLoopCharacteristics loopMaximum=QUOTED/>"),
    **{
        f"start {tag}": f'<startEvent id="start">{timer(tag)}</startEvent>{END}' + chain("start", "end")
        for tag in TIMES
    },
    **{f"wait {tag}": around(f'<intermediateCatchEvent id="n">{timer(tag)}</intermediateCatchEvent>') for tag in TIMES},
    **{
        tag: mapped(f"<camunda:{tag} name=QUOTED>TEXT</camunda:{tag}>") for tag in ("inputParameter", "outputParameter")
    },
    "mapping value": mapped('<camunda:inputParameter name="v">TEXT</camunda:inputParameter>'),
    "mapping script": mapped(
        '<camunda:inputParameter name="v"><camunda:script>TEXT</camunda:script></camunda:inputParameter>'
    ),
    "mapping map": mapped(
        '<camunda:inputParameter name="v"><camunda:map><camunda:entry key=QUOTED>TEXT</camunda:entry></camunda:map>'
        "</camunda:inputParameter>"
    ),
    "called": around('<callActivity id="n" calledElement=QUOTED/>'),
    **{
        word: around(f'<callActivity id="n" calledElement="q" camunda:{word}=QUOTED/>')
        for word in ("calledElementBinding", "calledElementVersion")
    },
    **{
        f"in {word}": around(
            '<callActivity id="n" calledElement="q"><extensionElements>'
            f'<camunda:in {word}=QUOTED target="t"/></extensionElements></callActivity>'
        )
        for word in ("source", "sourceExpression", "businessKey", "variables")
    },
    "awaited condition": around(
        '<intermediateCatchEvent id="n"><conditionalEventDefinition><condition>TEXT</condition>'
        "</conditionalEventDefinition></intermediateCatchEvent>"
    ),
    "field id": field('id=QUOTED type="string"'),
    **{f"default {kind}": field(f'id="f" type="{kind}" defaultValue=QUOTED') for kind in ("long", "date", "boolean")},
    "constraint": field(
        'id="f" type="long"',
        '<camunda:validation><camunda:constraint name="max" config=QUOTED/></camunda:validation>',
    ),
}
"""What is told -> a process with a place for it, as TEXT, as an attribute's QUOTED value, or both."""

NASTY = [
    "",
    " ",
    "'",
    '"',
    "\\",
    "abc",
    '"abc"',
    "'P1D'",
    "${",
    "#{",
    "${}",
    "${'P1D'}",
    "${x}",
    "${1}",
    "}",
    "{}",
    "{x}",
    "=x",
    "a b",
    "None",
    "True",
    "class",
    "lambda: 0",
    "x := 1",
    "yield",
    "await x",
    "1/0",
    "-1",
    "007",
    "0x10",
    "1e999",
    "9" * 5_000,
    "1" + "0" * 300,
    "P7974Y",
    "P99999999Y",
    "PT9e9",
    "R/P7974Y",
    "R5/9999-12-31/P1D",
    "0001-01-01",
    "9999-12-31T23:59:59-14:00",
    "0 0 31 2 *",
    "@daily",
    "${" + " || ".join(["a"] * 1_900) + "}",
    "${" + " + ".join(["a"] * 1_900) + "}",
    "${a" + ".b" * 3_000 + "}",
    "${a" + "[0]" * 3_000 + "}",
    "${" + "!" * 39 + "a}",
    "${" + "-" * 3_000 + "a}",
    "${" + "(" * 3_000 + "a}",
    "${" + "a ? b : " * 39 + "c}",
    "${a" + " == b" * 1_500 + "}",
    " or ".join(["a"] * 3_000),
    " + ".join(["a"] * 3_000),
    "a" + ".b" * 3_000,
    "(" * 3_000 + "a" + ")" * 3_000,
    "not " * 2_000 + "a",
    "-" * 3_000 + "a",
    "[" * 150 + "]" * 150,
    "f'{x}'",
    "f'{" + "x" * 3_000 + "}'",
    "lambda " * 100 + ": 0",
    "x" * 300,
    "x" * 20_000,
    "ﬁ",
    "ü",
    "u\u0308",
    "²",
    "٣",
    "\U0001f600",
    "a" * 150 + ",b",
    "user(" + "x" * 300 + ")",
    "group(${x})",
    "user(${)",
    "${x}${y}" * 500,
    ("x${y}" * 1_000)[:9_000],
    "# only a note",
    "\n\n  x\n y",
    "if x:\n  y=1",
    "__x",
    "#x",
    "import os",
    "def f():\n  return f()\nf()",
    "x" + "\t" * 500,
    "a;b",
    "a\x85b",
    "\u2028",
    "raise BpmnError('" + "x" * 9_000 + "')",
]


def drawn(place: str, text: str) -> bytes:
    return process(PLACES[place].replace("QUOTED", quoteattr(text)).replace("TEXT", escape(text))).encode()


def outcome(engine: Engine, place: str, text: str) -> str:
    """What becomes of a text: told at upload, or the instance it runs in; anything else raises."""
    try:
        checked = definitions.check({"a.bpmn": drawn(place, text)})
    except Invalid:
        return "refused"
    with engine.transaction(ROOT) as tx:
        definition = definitions.deploy(tx, checked).definitions[0]
        definitions.start_form(tx, definition.id)
        if not definitions.startable(tx):
            return "waits"
        instance = instances.start(tx, "p", variables={"x": "ana", "a": 1, "b": None, "c": [1]})
        for task in user_tasks.of_instance(tx, instance.id):
            user_tasks.form(tx, task.id)
    return instance.status


@pytest.mark.parametrize("place", PLACES)
def test_a_nasty_text_is_told_or_runs(engine: Engine, place: str) -> None:
    """A dozen of them each time; all together take minutes."""
    for text in random.Random(place).sample(NASTY, 12):
        outcome(engine, place, text)


def test_mixtures_of_nasty_texts_are_told_or_run(engine: Engine) -> None:
    chance = random.Random(3)
    for _number in range(50):
        outcome(engine, chance.choice(list(PLACES)), "".join(chance.choices(NASTY, k=2))[:12_000])
