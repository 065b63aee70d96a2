"""Joins that wait for ever, tokens that multiply, loops without end: which are told, where, and how surely."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from itertools import pairwise

import pytest

from engine.bpmn.check import soundness, structure
from engine.bpmn.check.diagram import Diagram
from engine.bpmn.check.folding import fold
from engine.bpmn.check.net import net_of
from engine.bpmn.check.playing import play
from engine.bpmn.read import read
from engine.model.problems import Problem
from tests.unit.drawing import process

RULES = {"deadlock", "lack-of-sync", "livelock", "soundness-unknown"}
KINDS = {
    "s": "<startEvent {}/>",
    "e": "<endEvent {}/>",
    "t": "<endEvent {}><terminateEventDefinition/></endEvent>",
    "x": "<exclusiveGateway {}/>",
    "p": "<parallelGateway {}/>",
    "o": "<inclusiveGateway {}/>",
    "v": "<eventBasedGateway {}/>",
    "c": "<intermediateCatchEvent {}><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
    "</intermediateCatchEvent>",
    "i": '<boundaryEvent {} attachedToRef="a"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
    "</timerEventDefinition></boundaryEvent>",
    "n": '<boundaryEvent {} attachedToRef="a" cancelActivity="false"><timerEventDefinition><timeDuration>PT1H'
    "</timeDuration></timerEventDefinition></boundaryEvent>",
}
"""First letter of an element's id -> what it is; anything else is a task."""


def drawn(ways: str) -> str:
    """The inside of a process: "s a x1, x1 b e" are the flows s-a, a-x1, x1-b and b-e."""
    chains = [way.split() for way in ways.split(",")]
    nodes = dict.fromkeys(node for chain in chains for node in chain)
    pairs = dict.fromkeys(pair for chain in chains for pair in pairwise(chain))
    elements = "\n".join(KINDS.get(node[0], "<task {}/>").format(f'id="{node}"') for node in nodes)
    flows = "\n".join(f'<sequenceFlow id="{a}-{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in pairs)
    return f"{elements}\n{flows}"


def told(content: str) -> list[Problem]:
    diagram = Diagram(read("a.bpmn", process(content).encode()))
    return list(soundness.check(diagram, []))


def short(found: Iterable[Problem]) -> list[str]:
    return sorted(f"{problem.severity} {problem.rule} {problem.element_id}" for problem in found)


# ---- single models -------------------------------------------------------------------------------------------------

SOUND = {
    "a sequence": "s a b e",
    "exclusive, joined": "s x1 a x2 e, x1 b x2",
    "exclusive, each with its end": "s x1 a e1, x1 b e2",
    "exclusive, meeting in a task": "s x1 a c1 e, x1 b c1",
    "parallel, joined": "s p1 a p2 e, p1 b p2",
    "parallel, each with its end": "s p1 a e1, p1 b e2",
    "parallel, meeting in one end": "s p1 a e, p1 b e",
    "parallel, joined by an inclusive gateway": "s p1 a o2 e, p1 b o2",
    "inclusive, joined": "s o1 a o2 e, o1 b o2",
    "exclusive, joined by an inclusive gateway": "s x1 a o2 e, x1 b o2",
    "implicit split, joined": "s a b p1 e, a d p1",
    "event-based, joined": "s v1 c1 x2 e, v1 c2 x2",
    "a loop": "s x1 a x2 e, x2 x1",
    "a loop over a task": "s x1 a x2 e, x2 b x1",
    "a loop inside a branch": "s p1 x1 a x2 p2 e, x2 x1, p1 b p2",
    "a block inside a loop": "s x1 p1 a p2 x2 e, p1 b p2, x2 x1",
    "two loops with one head": "s x1 a x2 b x3 e, x2 x1, x3 x1",
    "a loop with two ways out": "s x1 a x2 b x3 x1, x2 e1, x3 e2",
    "loops that cross": "s x1 a x2 b x3 e, x3 x2, x2 x1",
    "a jump between loops": "s x0 x1 a x2 e, x0 x2, x2 x1",
    "nested blocks": "s p1 x1 a x2 p2 e, x1 b x2, p1 p3 c1 p4 p2, p3 c2 p4",
    "a branch that joins early": "s p1 a p2 d p3 e, p1 b p2, p1 f p3",
    "parallel branches over a bridge": "s p1 a p2 p3 e, p1 b p4 p3, p2 p4",
    "an interruption that ends": "s a e1, i1 e2",
    "an interruption that comes back": "s a x1 e, i1 x1",
    "a reminder with its own end": "s a e1, n1 r e2",
    "terminate ends what is left": "s p1 a t, p1 x1 d x1",
    "an optional branch": "s o1 a o2 e, o1 o2",
    "two starts": "s1 x1 a e, s2 x1",
    "an inclusive loop": "s x1 o1 a o2 x2 e, o1 b o2, x2 x1",
    "a task without an end": "s x1 a, x1 b e",
}


@pytest.mark.parametrize("ways", SOUND.values(), ids=SOUND)
def test_sound_diagrams_are_left_alone(ways: str) -> None:
    assert short(told(drawn(ways))) == []


UNSOUND = {
    "exclusive, joined in parallel": ("s x1 a p2 e, x1 b p2", "error deadlock p2"),
    "event-based, joined in parallel": ("s v1 c1 p2 e, v1 c2 p2", "error deadlock p2"),
    "some ways end early": ("s x1 a p2 e1, x1 b p2, x1 d e2", "error deadlock p2"),
    "inclusive, joined in parallel": ("s o1 a p2 e, o1 b p2", "warning deadlock p2"),
    "a branch may end": ("s p1 a p2 e, p1 x1 b p2, x1 e2", "warning deadlock p2"),
    "an interruption takes a branch away": ("s p1 a p2 e, p1 d p2, i1 e2", "warning deadlock p2"),
    "a loop back into a join": ("s p1 a x2 e, x2 p1", "error deadlock p1"),
    "two joins that wait for each other": ("s p1 p2 a p3 e1, p1 p4 d p2, p3 p4", "error deadlock p2"),
    "a second start": ("s1 p1 e, s2 p1", "error deadlock p1"),
    "three ways, two of them joined": (
        "s x1 a p2, x1 b p2 e, x1 d p3, x1 f p3 e",
        "error deadlock p2|error deadlock p3",
    ),
    "nested: the inner one": ("s p1 x1 a p3 p2 e, x1 b p3, p1 d p2", "error deadlock p3"),
    "parallel, merged": ("s p1 a x2 d e, p1 b x2", "warning lack-of-sync x2"),
    "parallel, merged before the end": ("s p1 a x2 e, p1 b x2", "warning lack-of-sync x2"),
    "inclusive, meeting in a task": ("s o1 a d e, o1 b d, o1 e", "warning lack-of-sync d"),
    "parallel, meeting in a task": ("s p1 a d e, p1 b d", "warning lack-of-sync d"),
    "inclusive, merged": ("s o1 a x2 d e, o1 b x2", "warning lack-of-sync x2"),
    "implicit split, merged": ("s a d x1 f e, a g x1", "warning lack-of-sync x1"),
    "a reminder that comes back": ("s a x1 d e, n1 x1", "warning lack-of-sync x1"),
    "a split in a loop": ("s x1 p1 a e, p1 x1", "error livelock x1"),
    "one branch joined, one merged": ("s p1 a p2 x3 d e, p1 b p2, p1 f x3", "warning lack-of-sync x3"),
    "parallel in a loop, merged": ("s x1 p1 a x2 x3 e, p1 b x2, x3 x1", "warning lack-of-sync x2"),
    "a loop without a way out": ("s x1 a b x1", "error livelock x1"),
    "a choice whose one way never ends": ("s x0 e, x0 x1 a x1", "error livelock x1"),
    "a loop of several ways": ("s x1 a x2 x1, x2 b x1", "error livelock x1"),
    "a task that follows itself": ("s a a", "error livelock a"),
    "beside a loop without end": ("s p1 a e, p1 x1 d x1", "error livelock x1"),
    "a good loop before": ("s x1 a x2 x1, x2 x3 d x3", "error livelock x3"),
}


@pytest.mark.parametrize(("ways", "expected"), UNSOUND.values(), ids=UNSOUND)
def test_unsound_diagrams_are_told(ways: str, expected: str) -> None:
    assert short(told(drawn(ways))) == expected.split("|")


def test_the_way_to_a_join_that_waits_is_told() -> None:
    (problem,) = told(drawn("s x1 a p2 e, x1 b p2"))

    assert problem.message == (
        'Expected a token from each flow, but none comes from "a" any more once it went "s" → "x1" → "b".'
    )


def test_the_ways_that_meet_are_told() -> None:
    (problem,) = told(drawn("s p1 a f x2 d e, p1 b x2"))

    assert 'side by side over "b" and over "a" → "f", once it went "s" → "p1";' in problem.message


def test_the_loop_is_told() -> None:
    (problem,) = told(drawn("s f x1 a b x1"))

    assert 'out of this loop: "x1", "a", "b".' in problem.message


def inside(ways: str, more: str = "", around: str = "") -> str:
    held = f'<subProcess id="a">{drawn(ways)}{more}</subProcess>'
    flows = '<sequenceFlow id="f1" sourceRef="s" targetRef="a"/><sequenceFlow id="f2" sourceRef="a" targetRef="e"/>'
    return f'<startEvent id="s"/>{held}<endEvent id="e"/>{flows}{around}'


def test_a_sub_process_is_looked_at_by_itself() -> None:
    assert short(told(inside("s9 x1 f p2 e9, x1 g p2"))) == ["error deadlock p2"]


TIMER = "<timerEventDefinition><timeDuration>P1D</timeDuration></timerEventDefinition>"
HANDLER = f'<subProcess id="h" triggeredByEvent="true"><startEvent id="hs">{TIMER}</startEvent></subProcess>'
STOPPED = {
    "from outside": ("", f'<boundaryEvent id="late" attachedToRef="a">{TIMER}</boundaryEvent>'),
    "from inside": (
        f'<subProcess id="h" triggeredByEvent="true"><startEvent id="hs">{TIMER}</startEvent></subProcess>',
        "",
    ),
}


@pytest.mark.parametrize(("more", "around"), STOPPED.values(), ids=STOPPED)
def test_an_event_that_interrupts_is_a_way_out(more: str, around: str) -> None:
    assert short(told(inside("s9 x1 f x1", more, around))) == []
    assert short(told(inside("s9 x1 f p2 e9, x1 g p2", more, around))) == ["warning deadlock p2"]


@pytest.mark.parametrize("spoiled", ['<task id="f" startQuantity="2"/>', '<complexGateway id="f"/>'])
def test_what_only_data_tell_is_not_guessed(spoiled: str) -> None:
    ways = drawn("s x1 f e, x1 g f").replace('<task id="f"/>', spoiled)

    assert short(told(ways)) == []


def test_of_too_many_ways_it_is_said_that_they_were_not_all_looked_at() -> None:
    branches = (f"p1 x{n}a x{n}b x{n}c e{n}, x{n}a x{n}c x{n}b e{n}" for n in range(12))

    assert short(told(drawn(", ".join(["s p1", *branches])))) == ["warning soundness-unknown p"]


# ---- folding -------------------------------------------------------------------------------------------------------


def verdict(content: str, *, folded: bool) -> tuple[bool, bool, bool] | None:
    diagram = Diagram(read("a.bpmn", process(content).encode()))
    (scope,) = diagram.scopes
    net = net_of(diagram, scope, structure.first(scope))
    if folded:
        fold(net)
    played = play(net)
    if not played.is_complete:
        return None
    endless = bool(soundness._without_end(played))
    return bool(played.stuck), bool(played.doubled), endless


@pytest.mark.parametrize("seed", range(40))
def test_folding_changes_no_verdict(seed: int) -> None:
    """Any ten elements joined anyhow: the same is found in the whole net as in the folded one."""
    chance = random.Random(seed)
    for _ in range(10):
        kinds = chance.choices("xxxppoa", k=chance.randint(3, 8))
        nodes = ["s", *(f"{kind}{number}" for number, kind in enumerate(kinds)), "e"]
        ways = [f"{one} {other}" for one, other in pairwise(nodes)]
        ways += [f"{chance.choice(nodes[1:-1])} {chance.choice(nodes[1:])}" for _ in range(chance.randint(1, 5))]
        content = drawn(", ".join(ways))
        plain = verdict(content, folded=False)
        if plain is None:
            continue
        found = verdict(content, folded=True)
        assert found is not None
        assert plain[1] or not found[1], ways
        if not plain[1]:  # where tokens met, it was not played on, which happens earlier or later
            assert found == plain, ways


def block(chance: random.Random, size: int, number: list[int]) -> tuple[str, str, list[str]]:
    """A structured piece of about so many tasks: its first and last element, and its ways."""
    number[0] += 1
    name = str(number[0])
    if size <= 1:
        return f"a{name}", f"a{name}", []
    kind = chance.choice(["sequence", "x", "p", "o", "loop"])
    parts = [block(chance, size // 2, number) for _ in range(2)]
    ways = [way for part in parts for way in part[2]]
    (first, last, _), (other, end, _) = parts
    if kind == "sequence":
        return first, end, [*ways, f"{last} {other}"]
    if kind == "loop":
        back = [f"xi{name} {first}", f"{last} xj{name}", f"xj{name} {other}", f"{end} xi{name}"]
        return f"xi{name}", f"xj{name}", [*ways, *back]
    around = [f"{kind}i{name} {first}", f"{last} {kind}j{name}", f"{kind}i{name} {other}", f"{end} {kind}j{name}"]
    return f"{kind}i{name}", f"{kind}j{name}", [*ways, *around]


@pytest.mark.parametrize("seed", range(15))
def test_whatever_is_structured_is_sound_and_quickly_seen_to_be(seed: int) -> None:
    first, last, ways = block(random.Random(seed), 128, [0])
    content = drawn(", ".join([f"s {first}", f"{last} e", *ways]))

    begun = time.perf_counter()
    found = short(told(content))

    assert found == []
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize("seed", range(8))
def test_any_200_elements_are_judged_within_a_second(seed: int) -> None:
    chance = random.Random(seed)
    nodes = ["s", *(f"{kind}{number}" for number, kind in enumerate(chance.choices("xxpoaa", k=200))), "e"]
    ways = [f"{one} {other}" for one, other in pairwise(nodes)]
    ways += [f"{chance.choice(nodes[1:-1])} {chance.choice(nodes[1:])}" for _ in range(60)]
    content = drawn(", ".join(ways))

    begun = time.process_time()
    told(content)

    assert time.process_time() - begun < 1.5
