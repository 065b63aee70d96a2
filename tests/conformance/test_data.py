"""Who sees which variable, and where a value goes. Source: BPMN 2.0.2 (formal/2013-12-09), 10.4, 10.5.7 and 13.3."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tests.conformance import table
from tests.conformance.table import (
    DECLINED,
    LATE,
    MESSAGE,
    SIGNAL,
    Row,
    again,
    catch,
    draw,
    each,
    end,
    mapped,
    service,
    start,
    throw,
)
from tests.play import Play, boundary, script, sub, user

pytestmark = pytest.mark.conformance

SCOPES = table.rows(
    Row(
        "branches see what the other wrote",
        "10.5.7",
        draw("start -> and1 -> a -> and2 -> s -> end; and1 -> b -> and2", script("s", "sum = x + y")),
        do=(("a", {"x": 1}), ("b", {"y": 2})),
        values={"sum": 3},
    ),
    Row(
        "a condition sees what was written on another branch",
        "10.4",
        draw("start -> and1 -> a -> xor -[x > 1]-> c -> end; xor -*-> d -> end; and1 -> b -> end"),
        given={"x": 0},
        do=(("b", {"x": 5}), "a"),
        at="c",
        ended="active",
    ),
    Row(
        "a sub-process reads and writes what is around it",
        "10.5.7",
        draw("start -> around -> end", sub("around", draw("start2 -> s -> end2", script("s", "x = x + 1")))),
        given={"x": 1},
        values={"x": 2},
    ),
    Row(
        "what is two levels around is seen, too",
        "10.5.7",
        draw(
            "start -> around -> end",
            sub("around", draw("start2 -> q -> end2", sub("q", draw("start3 -> s -> end3", script("s", "x = x + 1"))))),
        ),
        given={"x": 1},
        values={"x": 2},
    ),
    Row(
        "an instance writes what is known outside where it lives",
        "10.5.7",
        draw("start -> s -> end", script("s", "sum = sum + item", each(over="xs", in_turn=True))),
        given={"xs": [1, 2, 3], "sum": 0},
        values={"sum": 6},
    ),
    Row(
        "an instance keeps a new name to itself",
        "13.3.7",
        draw("start -> s -> end", script("s", "mine = item", each(over="xs"))),
        given={"xs": [1, 2]},
        values={"mine": None, "item": None},
    ),
    Row(
        "an item hides a variable of its name and leaves it as it was",
        "13.3.7",
        draw("start -> s -> end", script("s", "out = item * 2", each(over="xs", outputs="ys"))),
        given={"xs": [1, 2], "item": "outer"},
        values={"item": "outer", "ys": [2, 4]},
    ),
    Row(
        "rounds of a loop see what the round before wrote",
        "13.3.6",
        draw("start -> s -> end", script("s", "n = n * 2", again("n < 10"))),
        given={"n": 1},
        values={"n": 16},
    ),
    Row(
        "the counters of a loop are not there behind it",
        "13.3.6",
        draw("start -> s -> a -> end", script("s", "n = n + 1", again("n < 2"))),
        given={"n": 0},
        at="a",
        seen={"loopCounter": None, "n": 2},
        ended="active",
    ),
    Row(
        "the counters of instances are not there behind them",
        "13.3.7",
        draw("start -> s -> a -> end", script("s", "pass", each(count="2"))),
        at="a",
        seen={"loopCounter": None, "nrOfInstances": None},
        ended="active",
    ),
    Row(
        "an inner counter hides the outer one",
        "13.3.7",
        draw(
            "start -> s -> end",
            sub("s", draw("start2 -> a -> end2", user("a", each(count="3", in_turn=True))), each(count="1")),
        ),
        do=("a a",),
        at="a",
        seen={"loopCounter": 2, "nrOfInstances": 3},
        ended="active",
    ),
)

MAPPINGS = table.rows(
    Row(
        "an input is made from what is outside",
        "10.4",
        draw("start -> a -> end", user("a", mapped({"x": "${n + 1}"}))),
        given={"n": 1},
        at="a",
        seen={"x": 2, "n": 1},
        values={"x": None},
        ended="active",
    ),
    Row(
        "an input is made once",
        "10.4",
        draw("start -> and1 -> a -> end; and1 -> b -> end", user("a", mapped({"x": "${n}"}))),
        given={"n": 1},
        do=(("b", {"n": 7}),),
        at="a",
        seen={"x": 1, "n": 7},
        ended="active",
    ),
    Row(
        "without outputs everything goes out",
        "10.4",
        draw("start -> a -> end", user("a", mapped({"x": "${n}"}))),
        given={"n": 1},
        do=(("a", {"y": 2}),),
        values={"y": 2, "x": None},
    ),
    Row(
        "with outputs only these go out",
        "10.4",
        draw("start -> a -> end", user("a", mapped(outputs={"y": "${x + 1}"}))),
        do=(("a", {"x": 1, "z": 9}),),
        values={"y": 2, "x": None, "z": None},
    ),
    Row(
        "an output may bear the name of an input",
        "10.4",
        draw("start -> s -> end", script("s", "x = x * 10", mapped({"x": "${x + 1}"}, {"x": "${x}"}))),
        given={"x": 1},
        values={"x": 20},
    ),
    Row(
        "inputs are all made from outside and do not see each other",
        "10.4",
        draw("start -> a -> end", user("a", mapped({"x": "${y}", "y": "${x}"}))),
        given={"x": 1, "y": 2},
        at="a",
        seen={"x": 2, "y": 1},
        ended="active",
    ),
    Row(
        "a sub-process with outputs keeps the rest",
        "10.5.7",
        draw(
            "start -> around -> end",
            sub("around", draw("start2 -> s -> end2", script("s", "x = 1\ny = 2")), mapped(outputs={"z": "${x + y}"})),
        ),
        values={"x": None, "y": None, "z": 3},
    ),
    Row(
        "the input of a sub-process is seen inside",
        "10.5.7",
        draw(
            "start -> around -> end",
            sub("around", draw("start2 -> s -> end2", script("s", "out = half * 2")), mapped({"half": "${n / 2}"})),
        ),
        given={"n": 8},
        values={"out": 8, "half": None},
    ),
    Row(
        "an input of each instance is made from its item",
        "13.3.7",
        draw(
            "start -> s -> end",
            script("s", "out = twice", mapped({"twice": "${item * 2}"}) + each(over="xs", outputs="ys")),
        ),
        given={"xs": [1, 2, 3]},
        values={"ys": [2, 4, 6]},
    ),
    Row(
        "literal text is text",
        "10.4",
        draw("start -> a -> end", user("a", mapped({"x": "n + 1"}))),
        given={"n": 1},
        at="a",
        seen={"x": "n + 1"},
        ended="active",
    ),
    Row(
        "who is interrupted maps no outputs",
        "13.5.3",
        draw(
            "start -> a -> end; m -> b -> end",
            user("a", mapped({"x": "${n}"}, {"y": "${x}"})) + boundary("m", "a", MESSAGE),
        ),
        given={"n": 1},
        do=("m",),
        at="b",
        values={"y": None},
        ended="active",
    ),
)

EVENTS = table.rows(
    Row(
        "what a message brings becomes variables",
        "10.5.1",
        draw("start -> m -> a -> end", catch("m", MESSAGE)),
        do=(("m", {"sum": 3}),),
        at="a",
        values={"sum": 3},
        ended="active",
    ),
    Row(
        "what a message brings goes through the outputs of its event",
        "10.5.1",
        draw("start -> m -> a -> end", catch("m", mapped(outputs={"paid": "${sum}"}) + MESSAGE)),
        do=(("m", {"sum": 3, "other": 1}),),
        at="a",
        values={"paid": 3, "sum": None, "other": None},
        ended="active",
    ),
    Row(
        "what an error brings is there behind its boundary event",
        "10.5.1",
        draw("start -> w -> end; e -> a -> end", service("w") + boundary("e", "w", DECLINED)),
        do=("w!DECLINED",),
        at="a",
        values={"errorCode": "DECLINED"},
        ended="active",
    ),
    Row(
        "what a sub-process wrote before its error stays",
        "10.5.7",
        draw(
            "start -> around -> end; e -> a -> end",
            sub("around", draw("start2 -> s -> fail", script("s", "x = 5") + end("fail", DECLINED))),
            boundary("e", "around", DECLINED),
        ),
        at="a",
        values={"x": 5},
        ended="active",
    ),
    Row(
        "an escalation carries what its throw event maps",
        "10.5.1",
        draw(
            "start -> around -> end; x -> a -> end",
            sub(
                "around",
                draw("start2 -> tell -> b -> end2", throw("tell", mapped({"reason": "${why}"}) + LATE)),
            ),
            boundary("x", "around", LATE, interrupting=False),
        ),
        given={"why": "slow"},
        at="a b",
        values={"reason": "slow", "escalationCode": "LATE"},
        ended="active",
    ),
    Row(
        "what comes to an activity beside goes to the variables around it",
        "10.5.7",
        draw(
            "start -> a -> end; m -> b -> end",
            user("a", mapped(outputs={"y": "${x}"})) + boundary("m", "a", MESSAGE, interrupting=False),
        ),
        do=(("m", {"note": "hello"}),),
        at="a b",
        values={"note": "hello"},
        ended="active",
    ),
)


# ---- data objects, properties and data associations ----------------------------------------------------------------


def held(*ids: str) -> str:
    return "".join(f'<dataObject id="{name}"/>' for name in ids)


def specified(inputs: str = "", outputs: str = "") -> str:
    """Data inputs and outputs by name; the id of `x` is `in.x` or `out.x`."""
    told = "".join(f'<dataInput id="in.{name}" name="{name}"/>' for name in inputs.split())
    told += "".join(f'<dataOutput id="out.{name}" name="{name}"/>' for name in outputs.split())
    return f"<ioSpecification>{told}</ioSpecification>"


def brings(source: str, target: str, by: str = "", sets: Mapping[str, str] | None = None) -> str:
    """A data input association; sources in one text. by: a transformation; sets: assignments."""
    return _association("dataInputAssociation", source, target, by, sets)


def gives(source: str, target: str, by: str = "", sets: Mapping[str, str] | None = None) -> str:
    return _association("dataOutputAssociation", source, target, by, sets)


def _association(tag: str, sources: str, target: str, by: str, sets: Mapping[str, str] | None) -> str:
    told = "".join(f"<sourceRef>{source}</sourceRef>" for source in sources.split())
    told += f"<targetRef>{target}</targetRef>" + f"<transformation>{by}</transformation>" * bool(by)
    pairs = (sets or {}).items()
    told += "".join(f"<assignment><from>{value}</from><to>{to}</to></assignment>" for to, value in pairs)
    return f"<{tag}>{told}</{tag}>"


STORED = '<dataStoreReference id="stored" dataStoreRef="stock"/>'
ON_THE_SHELF = '<dataStoreReference id="shelved" dataStoreRef="shelf"/>'

OBJECTS = table.rows(
    Row(
        "a data object that nobody has set is None",
        "10.4.1",
        draw("start -> s -> end", held("order"), script("s", "told = order")),
        values={"told": None},
    ),
    Row(
        "a data object keeps what the instance was started with",
        "10.4.1",
        draw("start -> s -> end", held("order"), script("s", "told = order")),
        given={"order": 3},
        values={"told": 3, "order": 3},
    ),
    Row(
        "a data object is called by its name",
        "10.4.1",
        draw("start -> s -> end", '<dataObject id="d1" name="order"/>', script("s", "told = order")),
        given={"order": 3},
        values={"told": 3},
    ),
    Row(
        "a data object whose name is no variable is called by its id",
        "10.4.1",
        draw("start -> s -> end", '<dataObject id="d1" name="the order"/>', script("s", "told = d1")),
        given={"d1": 3},
        values={"told": 3},
    ),
    Row(
        "a condition reads a property of the process that nobody has set",
        "10.4.1",
        draw("start -> xor -[vip]-> a -> end; xor -*-> b -> end", '<property id="p1" name="vip"/>'),
        at="b",
        ended="active",
    ),
    Row(
        "a data object of a sub-process is gone with it",
        "10.4.1",
        draw(
            "start -> around -> end",
            sub("around", draw("start2 -> s -> end2", held("draft"), script("s", "draft = 1\nseen = draft"))),
        ),
        values={"draft": None, "seen": 1},
    ),
    Row(
        "a data object of a sub-process hides the outer one",
        "10.5.7",
        draw(
            "start -> around -> end",
            sub("around", draw("start2 -> s -> end2", held("x"), script("s", "seen = x\nx = 2"))),
        ),
        given={"x": 1, "seen": 0},
        values={"x": 1, "seen": None},
    ),
    Row(
        "a property of a sub-process is its own",
        "10.4.1",
        draw(
            "start -> around -> end",
            sub("around", '<property id="p1" name="x"/>' + draw("start2 -> a -> end2")),
        ),
        do=(("a", {"x": 2}),),
        given={"x": 1},
        values={"x": 1},
    ),
    Row(
        "a data object of a transaction is its own",
        "10.4.1",
        draw(
            "start -> around -> end",
            f'<transaction id="around">{draw("start2 -> s -> end2", held("x"), script("s", "x = 2"))}</transaction>',
        ),
        given={"x": 1},
        values={"x": 1},
    ),
    Row(
        "each instance of a sub-process has a data object of its own",
        "13.3.7",
        draw(
            "start -> around -> end",
            sub(
                "around",
                draw("start2 -> s -> t -> end2", held("x"), script("s", "x = item"), script("t", "out = x * 10")),
                each(over="xs", outputs="ys"),
            ),
        ),
        given={"xs": [1, 2, 3]},
        values={"ys": [10, 20, 30], "x": None},
    ),
    Row(
        "a data object of an event sub-process is its own each time",
        "13.5.4",
        draw(
            "start -> a -> end",
            '<subProcess id="beside" triggeredByEvent="true">'
            + draw(
                "m -> s -> end2",
                f'<startEvent id="m" isInterrupting="false">{MESSAGE}</startEvent>',
                held("x"),
                script("s", "seen = seen + [x]\nx = 1"),
            )
            + "</subProcess>",
        ),
        given={"seen": []},
        do=("m", "m"),
        at="a",
        ended="active",
        values={"seen": [None, None], "x": None},
    ),
    Row(
        "an instance writes a data object of the process where it lives",
        "13.3.7",
        draw("start -> s -> end", held("last"), script("s", "last = item", each(over="xs", in_turn=True))),
        given={"xs": [1, 2]},
        values={"last": 2},
    ),
    Row(
        "a property of a task is its own",
        "10.4.1",
        draw("start -> s -> end", script("s", "x = 2\ny = x", '<property id="p1" name="x"/>')),
        given={"x": 1},
        values={"x": 1, "y": 2},
    ),
    Row(
        "a handler inside a sub-process that has completed sees its data object as it was",
        "10.5.1",
        draw(
            "start -> around -> undo -> end",
            sub(
                "around",
                draw("start2 -> s -> a -> end2", held("x"), script("s", "x = 5"), user("a"))
                + boundary("c", "a", "<compensateEventDefinition/>")
                + script("h", "told = x\nx = 6", "").replace("<scriptTask ", '<scriptTask isForCompensation="true" ')
                + '<association id="c_h" sourceRef="c" targetRef="h"/>',
            ),
            throw("undo", "<compensateEventDefinition/>"),
        ),
        given={"x": 1},
        do=("a",),
        values={"told": 5, "x": 1},
    ),
)

ASSOCIATIONS = table.rows(
    Row(
        "a data input takes the value of its source",
        "10.4.2",
        draw(
            "start -> s -> end",
            held("order"),
            script("s", "told = x", specified("x") + brings("order", "in.x")),
        ),
        given={"order": 3},
        values={"told": 3, "x": None},
    ),
    Row(
        "a data input takes what a data object is by a reference to it",
        "10.4.1",
        draw(
            "start -> s -> end",
            held("order") + '<dataObjectReference id="again" name="Order" dataObjectRef="order"/>',
            script("s", "told = x", specified("x") + brings("again", "in.x")),
        ),
        given={"order": 3},
        values={"told": 3},
    ),
    Row(
        "a data input of what nobody has set is None",
        "10.4.2",
        draw("start -> s -> end", held("order"), script("s", "told = [x]", specified("x") + brings("order", "in.x"))),
        values={"told": [None]},
    ),
    Row(
        "a data input hides a variable and leaves it as it was",
        "10.4.2",
        draw("start -> s -> end", held("order"), script("s", "x = x + 1", specified("x") + brings("order", "in.x"))),
        given={"order": 3, "x": 100},
        values={"x": 100, "order": 3},
    ),
    Row(
        "a data input is made once",
        "10.4.2",
        draw(
            "start -> and1 -> a -> end; and1 -> b -> end",
            held("order"),
            user("a", specified("x") + brings("order", "in.x")),
        ),
        given={"order": 1},
        do=(("b", {"order": 7}),),
        at="a",
        seen={"x": 1, "order": 7},
        ended="active",
    ),
    Row(
        "a transformation makes one value of several sources",
        "10.4.2",
        draw(
            "start -> s -> end",
            held("price", "number"),
            script("s", "told = x", specified("x") + brings("price number", "in.x", "price * number")),
        ),
        given={"price": 3, "number": 4},
        values={"told": 12},
    ),
    Row(
        "an assignment sets a field of a data input",
        "10.4.2",
        draw(
            "start -> s -> end",
            held("order"),
            script(
                "s",
                "told = x",
                specified("x") + brings("order", "in.x", sets={"x.sum": "order + 1", 'x["to"]["name"]': "'Ana'"}),
            ),
        ),
        given={"order": 3},
        values={"told": {"sum": 4, "to": {"name": "Ana"}}},
    ),
    Row(
        "assignments follow the transformation",
        "10.4.2",
        draw(
            "start -> s -> end",
            held("order"),
            script("s", "told = x", specified("x") + brings("order", "in.x", "order", {"x.new": "1"})),
        ),
        given={"order": {"old": 0}},
        values={"told": {"old": 0, "new": 1}, "order": {"old": 0}},
    ),
    Row(
        "an assignment needs no source",
        "10.4.2",
        draw("start -> s -> end", script("s", "told = x", specified("x") + brings("", "in.x", sets={"x": "n + 1"}))),
        given={"n": 1},
        values={"told": 2},
    ),
    Row(
        "an activity reads and writes what no association names",
        "10.4.2",
        draw("start -> s -> end", held("order"), script("s", "n = n + x", specified("x") + brings("order", "in.x"))),
        given={"order": 3, "n": 1},
        values={"n": 4},
    ),
    Row(
        "a data output begins as None and stays inside without an association",
        "10.4.2",
        draw("start -> s -> end", script("s", "told = [y]\ny = 2", specified("", "y"))),
        given={"y": 1},
        values={"told": [None], "y": 1},
    ),
    Row(
        "a data input that nothing is brought to is what is outside",
        "10.4.2",
        draw("start -> s -> end", script("s", "told = x", specified("x"))),
        given={"x": 1},
        values={"told": 1},
    ),
    Row(
        "a data output goes to its target as the activity completes",
        "10.4.2",
        draw("start -> a -> end", held("order"), user("a", specified("", "y") + gives("out.y", "order"))),
        do=(("a", {"y": 2, "z": 3}),),
        values={"order": 2, "y": None, "z": 3},
    ),
    Row(
        "a data output may bear the name of its target",
        "10.4.2",
        draw("start -> s -> end", held("y"), script("s", "y = 2", specified("", "y") + gives("out.y", "y"))),
        given={"y": 1},
        values={"y": 2},
    ),
    Row(
        "a data output goes to a data object of the sub-process around",
        "10.5.7",
        draw(
            "start -> around -> end",
            sub(
                "around",
                draw(
                    "start2 -> s -> t -> end2",
                    held("order"),
                    script("s", "y = 2", specified("", "y") + gives("out.y", "order")),
                    script("t", "told = order"),
                ),
            ),
        ),
        given={"order": 1},
        values={"order": 1, "told": 2},
    ),
    Row(
        "a data output goes to a property of the process",
        "10.4.1",
        draw(
            "start -> s -> end",
            '<property id="p1" name="order"/>',
            script("s", "y = 2", specified("", "y") + gives("out.y", "p1")),
        ),
        values={"order": 2},
    ),
    Row(
        "a data output goes to a data output of the process",
        "10.4.1",
        '<ioSpecification><dataOutput id="whole" name="order"/></ioSpecification>'
        + draw("start -> s -> end", script("s", "y = 2", specified("", "y") + gives("out.y", "whole"))),
        values={"order": 2},
    ),
    Row(
        "a source outside is meant although a data input bears its name",
        "10.4.2",
        draw(
            "start -> s -> end",
            held("order", "result"),
            script(
                "s",
                "order = order + 1",
                specified("order") + brings("order", "in.order", "order * 10") + gives("order", "result", "[order]"),
            ),
        ),
        given={"order": 3},
        values={"result": [3], "order": 3},
    ),
    Row(
        "an assignment sets a field of a data object and leaves the rest",
        "10.4.2",
        draw(
            "start -> s -> end",
            held("order"),
            script("s", "y = 2", specified("", "y") + gives("out.y", "order", sets={"order.sum": "y * 2"})),
        ),
        given={"order": {"id": 7}},
        values={"order": {"id": 7, "sum": 4}},
    ),
    Row(
        "a field of what is no dict stops the activity",
        "10.4.2",
        draw(
            "start -> s -> end",
            held("order"),
            script("s", "y = 2", specified("", "y") + gives("out.y", "order", sets={"order.sum": "y"})),
        ),
        given={"order": 7},
        at="s",
        stopped="s",
        values={"order": 7},
        ended="active",
    ),
    Row(
        "a sub-process gives the value of its own data object",
        "10.4.1",
        draw(
            "start -> around -> end",
            held("order"),
            sub(
                "around", held("draft") + draw("start2 -> s -> end2", script("s", "draft = 5")), gives("draft", "order")
            ),
        ),
        values={"order": 5, "draft": None},
    ),
    Row(
        "the data input of a sub-process is seen inside",
        "10.4.2",
        draw(
            "start -> around -> end",
            held("order"),
            sub(
                "around",
                draw("start2 -> s -> end2", script("s", "told = x")),
                specified("x") + brings("order", "in.x", "order * 2"),
            ),
        ),
        given={"order": 5},
        values={"told": 10},
    ),
    Row(
        "who is interrupted gives nothing",
        "10.4.2",
        draw(
            "start -> a -> end; m -> b -> end",
            held("order"),
            user("a", specified("x", "y") + brings("order", "in.x") + gives("in.x", "order", "x + 1"))
            + boundary("m", "a", MESSAGE),
        ),
        given={"order": 1},
        do=("m",),
        at="b",
        values={"order": 1},
        ended="active",
    ),
    Row(
        "a transformation that fails stops the activity and nothing is written",
        "10.4.2",
        draw(
            "start -> s -> end",
            held("order", "other"),
            script("s", "y = 2", specified("", "y") + gives("out.y", "order") + gives("out.y", "other", "y / 0")),
        ),
        at="s",
        stopped="s",
        values={"order": None},
        ended="active",
    ),
    Row(
        "an association to a placeholder is a drawing",
        "10.4.1",
        draw(
            "start -> s -> end",
            held("order"),
            script("s", "told = order", '<property id="p1" name="__targetRef_placeholder"/>' + brings("order", "p1")),
        ),
        given={"order": 1},
        values={"told": 1},
    ),
    Row(
        "an association from the activity itself is a drawing",
        "10.4.1",
        draw(
            "start -> s -> t -> end",
            held("order"),
            script("s", "order = 2", gives("", "order")),
            script("t", "told = order", gives("t", "order") + brings("order", "t")),
        ),
        values={"order": 2, "told": 2},
    ),
    Row(
        "a reference to no data store is a drawing",
        "10.4.1",
        draw(
            "start -> s -> end",
            '<dataStoreReference id="drawn" name="Archive"/>',
            script("s", "y = 2", specified("", "y") + gives("out.y", "drawn")),
        ),
    ),
    Row(
        "who is asked sees the data input and fills the data output",
        "10.4.2",
        draw(
            "start -> a -> end",
            held("order"),
            user("a", specified("x", "y") + brings("order", "in.x") + gives("out.y", "order", "x + y")),
        ),
        given={"order": 1},
        do=(("a", {"y": 5}),),
        values={"order": 6},
    ),
    Row(
        "each round of a loop brings and gives",
        "13.3.6",
        draw(
            "start -> s -> end",
            held("order"),
            script(
                "s",
                "y = x + 1",
                specified("x", "y") + brings("order", "in.x") + gives("out.y", "order") + again("order < 5"),
            ),
        ),
        given={"order": 1},
        values={"order": 5},
    ),
)

REPEATED = table.rows(
    Row(
        "a collection is the source of the data input that the loop names",
        "13.3.7",
        draw(
            "start -> s -> end",
            held("people"),
            script("s", "out = item * 2", specified("x") + brings("people", "in.x") + each(over="in.x", outputs="ys")),
        ),
        given={"people": [1, 2]},
        values={"ys": [2, 4]},
    ),
    Row(
        "a collection may be transformed",
        "13.3.7",
        draw(
            "start -> s -> end",
            held("people"),
            script(
                "s",
                "out = item * 2",
                specified("x") + brings("people", "in.x", "people[1:]") + each(over="in.x", outputs="ys"),
            ),
        ),
        given={"people": [1, 2, 3]},
        values={"ys": [4, 6]},
    ),
    Row(
        "outputs are collected into the target of the data output that the loop names",
        "13.3.7",
        draw(
            "start -> s -> end",
            held("results"),
            script(
                "s", "out = item * 2", specified("", "y") + gives("out.y", "results") + each(over="xs", outputs="out.y")
            ),
        ),
        given={"xs": [1, 2]},
        values={"results": [2, 4], "y": None},
    ),
    Row(
        "what was collected may be transformed",
        "13.3.7",
        draw(
            "start -> s -> end",
            held("results"),
            script(
                "s",
                "out = item * 2",
                specified("", "y") + gives("out.y", "results", "sum(y)") + each(over="xs", outputs="out.y"),
            ),
        ),
        given={"xs": [1, 2]},
        values={"results": 6},
    ),
    Row(
        "a loop may name a data object by its id",
        "13.3.7",
        draw(
            "start -> s -> end",
            '<dataObject id="d1" name="people"/><dataObject id="d2" name="results"/>',
            script("s", "out = item * 2", each(over="d1", outputs="d2")),
        ),
        given={"people": [1, 2]},
        values={"results": [2, 4]},
    ),
    Row(
        "a data input of the loop without a source is the variable of its name",
        "13.3.7",
        draw(
            "start -> s -> end", script("s", "out = item", specified("xs", "ys") + each(over="in.xs", outputs="out.ys"))
        ),
        given={"xs": [1, 2]},
        values={"ys": [1, 2]},
    ),
    Row(
        "other associations are for each instance",
        "13.3.7",
        draw(
            "start -> s -> end",
            held("people", "factor", "last"),
            script(
                "s",
                "out = item * f\ny = item",
                specified("x f", "y")
                + brings("people", "in.x")
                + brings("factor", "in.f", "factor + loopCounter")
                + gives("out.y", "last")
                + each(over="in.x", outputs="ys", in_turn=True),
            ),
        ),
        given={"people": [1, 2], "factor": 10},
        values={"ys": [10, 22], "last": 2, "f": None},
    ),
    Row(
        "an instance reads its item by an association and gives its output item by another",
        "13.3.7",
        draw(
            "start -> s -> end",
            script(
                "s",
                "y = x * 2",
                specified("x", "y")
                + brings("item_in", "in.x")
                + gives("out.y", "item_out")
                + each(over="xs", outputs="ys"),
            ),
        ),
        given={"xs": [1, 2]},
        values={"ys": [2, 4], "out": None},
    ),
)

WITH_EVENTS = table.rows(
    Row(
        "what came with a message goes through the output associations of its event",
        "10.4.2",
        draw(
            "start -> m -> a -> end",
            held("order"),
            catch("m", '<dataOutput id="o1" name="sum"/>' + gives("o1", "order", sets={"order.sum": "sum"}) + MESSAGE),
        ),
        do=(("m", {"sum": 3, "more": 1}),),
        at="a",
        values={"order": {"sum": 3}, "sum": None, "more": 1},
        ended="active",
    ),
    Row(
        "what came with a message goes through those of a receive task",
        "10.4.2",
        draw(
            "start -> m -> a -> end",
            held("order"),
            f'<receiveTask id="m" messageRef="paid">{specified("", "sum")}{gives("out.sum", "order")}</receiveTask>',
        ),
        do=(("m", {"sum": 3}),),
        at="a",
        values={"order": 3, "sum": None},
        ended="active",
    ),
    Row(
        "what came goes through those of the event behind an event-based gateway",
        "10.4.2",
        draw(
            "start -> race -> m -> a -> end; race -> n -> end",
            held("order"),
            catch("m", '<dataOutput id="o1" name="sum"/>' + gives("o1", "order") + MESSAGE),
            catch("n", SIGNAL),
        ),
        do=(("m", {"sum": 3}),),
        at="a",
        values={"order": 3, "sum": None},
        ended="active",
    ),
    Row(
        "what came goes through those of a boundary event each time",
        "10.4.2",
        draw(
            "start -> a -> end; m -> end",
            held("order"),
            user("a")
            + boundary(
                "m",
                "a",
                '<dataOutput id="o1" name="sum"/>' + gives("o1", "order", "(order or 0) + sum") + MESSAGE,
                interrupting=False,
            ),
        ),
        do=(("m", {"sum": 3}), ("m", {"sum": 4})),
        at="a",
        values={"order": 7, "sum": None},
        ended="active",
    ),
    Row(
        "what came goes through those of an interrupting boundary event",
        "10.4.2",
        draw(
            "start -> a -> end; m -> b -> end",
            held("order"),
            user("a") + boundary("m", "a", '<dataOutput id="o1" name="sum"/>' + gives("o1", "order") + MESSAGE),
        ),
        do=(("m", {"sum": 3}),),
        at="b",
        values={"order": 3, "sum": None},
        ended="active",
    ),
    Row(
        "what came goes through those of the start event of an event sub-process",
        "10.4.2",
        draw(
            "start -> a -> end",
            held("order"),
            '<subProcess id="beside" triggeredByEvent="true">'
            + held("inner")
            + draw(
                "m -> s -> end2",
                start(
                    "m",
                    '<dataOutput id="o1" name="sum"/>'
                    + gives("o1", "order")
                    + gives("o1", "inner", sets={"inner.sum": "sum"})
                    + MESSAGE,
                ),
                script("s", "told = inner"),
            )
            + "</subProcess>",
        ),
        do=(("m", {"sum": 3}),),
        values={"order": 3, "told": {"sum": 3}, "sum": None, "inner": None},
    ),
    Row(
        "what an instance was started with goes through those of its start event",
        "10.4.2",
        draw(
            "m -> a -> end",
            held("order"),
            start("m", '<dataOutput id="o1" name="sum"/>' + gives("o1", "order") + MESSAGE),
        ),
        given={"sum": 3},
        start_event="m",
        at="a",
        values={"order": 3},
        ended="active",
    ),
    Row(
        "an event throws what its data inputs hold",
        "10.4.2",
        draw(
            "start -> and1 -> n -> a -> end; and1 -> b -> t -> end",
            held("order"),
            catch("n", SIGNAL),
            throw("t", '<dataInput id="i1" name="x"/>' + brings("order", "i1", "order * 2") + SIGNAL),
        ),
        given={"order": 3},
        do=("b",),
        at="a",
        thrown="alarm",
        values={"x": 6},
        ended="active",
    ),
    Row(
        "an event throws what its data inputs hold and not its properties",
        "10.4.2",
        draw(
            "start -> around -> end; x -> a -> end",
            held("order"),
            sub(
                "around",
                '<property id="q" name="hidden"/>'
                + draw(
                    "start2 -> fail",
                    end(
                        "fail",
                        '<property id="r" name="kept"/><dataInput id="i1" name="why"/>' + brings("order", "i1") + LATE,
                    ),
                ),
            )
            + boundary("x", "around", LATE),
        ),
        given={"order": "slow"},
        at="a",
        values={"why": "slow", "hidden": None, "kept": None},
        ended="active",
    ),
    Row(
        "a data input and a data output may bear one name",
        "10.4.2",
        draw(
            "start -> s -> end",
            held("order"),
            script("s", "x = x + 1", specified("x", "x") + brings("order", "in.x") + gives("out.x", "order")),
        ),
        given={"order": 3},
        values={"order": 4, "x": None},
    ),
    Row(
        "an end event throws what its data inputs hold",
        "10.4.2",
        draw(
            "start -> around -> end; x -> a -> end",
            held("order"),
            sub(
                "around",
                draw("start2 -> fail", end("fail", '<dataInput id="i1" name="why"/>' + brings("order", "i1") + LATE)),
            )
            + boundary("x", "around", LATE),
        ),
        given={"order": "slow"},
        at="a",
        values={"why": "slow"},
        ended="active",
    ),
)

STORES = table.rows(
    Row(
        "a data store that nobody has written is None",
        "10.4.1",
        draw("start -> s -> end", STORED, script("s", "told = [x]", specified("x") + brings("stored", "in.x"))),
        values={"told": [None]},
    ),
    Row(
        "a data store holds what was written",
        "10.4.1",
        draw(
            "start -> s -> a -> t -> end",
            STORED,
            script("s", "y = 2", specified("", "y") + gives("out.y", "stored")),
            script("t", "told = x", specified("x").replace("in.x", "t.x") + brings("stored", "t.x")),
        ),
        do=("a",),
        values={"told": 2, "Stock": None},
    ),
    Row(
        "an assignment sets a field of a data store and leaves the rest",
        "10.4.2",
        draw(
            "start -> s -> t -> u -> end",
            STORED,
            script("s", "y = 2", specified("", "y") + gives("out.y", "stored", sets={'Stock["A4"]': "y"})),
            script(
                "t",
                "y = 3",
                specified("", "y").replace("out.y", "t.y") + gives("t.y", "stored", sets={"Stock.A3": "y"}),
            ),
            script("u", "told = x", specified("x") + brings("stored", "in.x")),
        ),
        values={"told": {"A4": 2, "A3": 3}},
    ),
    Row(
        "a transformation reads a data store by its name",
        "10.4.2",
        draw(
            "start -> s -> u -> end",
            STORED,
            script("s", "y = 2", specified("", "y") + gives("out.y stored", "stored", "(Stock or 0) + y")),
            script("u", "told = x", specified("x") + brings("stored", "in.x", "Stock * 10")),
        ),
        values={"told": 20},
    ),
    Row(
        "a step that fails writes no data store",
        "10.4.1",
        draw(
            "start -> and1 -> s -> end; and1 -> a -> u -> end",
            STORED + held("other"),
            script("s", "y = 2", specified("", "y") + gives("out.y", "stored") + gives("out.y", "other", "y / 0")),
            script("u", "told = [x]", specified("x") + brings("stored", "in.x")),
        ),
        do=("a",),
        at="s",
        stopped="s",
        values={"told": [None]},
        ended="active",
    ),
    Row(
        "a data store is not filled beyond its capacity",
        "10.4.1",
        draw(
            "start -> s -> end",
            ON_THE_SHELF,
            script("s", "y = [1, 2, 3]", specified("", "y") + gives("out.y", "shelved")),
        ),
        at="s",
        stopped="s",
        ended="active",
    ),
    Row(
        "a data store is filled up to its capacity",
        "10.4.1",
        draw(
            "start -> s -> u -> end",
            ON_THE_SHELF,
            script("s", "y = [1, 2]", specified("", "y") + gives("out.y", "shelved")),
            script("u", "told = x", specified("x") + brings("shelved", "in.x")),
        ),
        values={"told": [1, 2]},
    ),
    Row(
        "a loop goes over what a data store holds",
        "13.3.7",
        draw(
            "start -> s -> u -> end",
            STORED,
            script("s", "y = [1, 2]", specified("", "y") + gives("out.y", "stored")),
            script(
                "u", "out = item * 2", specified("x") + brings("stored", "in.x") + each(over="in.x", outputs="told")
            ),
        ),
        values={"told": [2, 4]},
    ),
    Row(
        "a loop collects into a data store",
        "13.3.7",
        draw(
            "start -> s -> u -> end",
            STORED,
            script("s", "out = item", specified("", "y") + gives("out.y", "stored") + each(over="xs", outputs="out.y")),
            script("u", "told = x", specified("x") + brings("stored", "in.x", "[n + 1 for n in Stock]")),
        ),
        given={"xs": [1, 2]},
        values={"told": [2, 3]},
    ),
)


@pytest.mark.parametrize("player", table.PLAYERS)
@pytest.mark.parametrize("row", SCOPES + MAPPINGS + EVENTS + OBJECTS + ASSOCIATIONS + REPEATED + WITH_EVENTS + STORES)
def test_data(row: Row, player: Callable[..., Play]) -> None:
    table.play_row(row, player)


@pytest.mark.parametrize("player", table.PLAYERS)
def test_a_data_input_is_made_anew_when_the_activity_is_tried_again(player: Callable[..., Play]) -> None:
    """Source: 10.4.2."""
    drawn = draw(
        "start -> w -> end", held("order"), service("w", specified("x", "y") + brings("order", "in.x", "order + 1"))
    )
    play = player(drawn, {"order": 1})
    assert play.run.input_of(play.waits("service")[0].token) == {"x": 2}

    play.throw("w", "BROKEN")
    play.retry("w", order=5)

    assert play.run.input_of(play.waits("service")[0].token) == {"x": 6}
