"""Between pools: message flows, how many partners there are, conversations. None of it runs; all of it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.bpmn.check.diagram import ACTIVITIES, GATEWAYS, Diagram, a, owner
from engine.bpmn.check.references import CONVERSATIONS
from engine.bpmn.nodes import Node, bpmn, local
from engine.model.problems import Problem, Severity

_ENDS = {
    "sourceRef": frozenset({"participant", "endEvent", "intermediateThrowEvent"}) | ACTIVITIES,
    "targetRef": frozenset({"participant", "startEvent", "intermediateCatchEvent", "boundaryEvent"}) | ACTIVITIES,
}
"""What a message flow may leave, and lead to. Source: BPMN 2.0.2, 7.6.2 Message Flow Connection Rules."""


def check(diagram: Diagram) -> Iterator[Problem]:
    for node in diagram.elements:
        rule = _RULES.get(local(node))
        if rule is not None:
            yield from rule(diagram, node)


def _problem(diagram: Diagram, rule: str, node: Node, message: str, fix: str) -> Problem:
    return diagram.document.problem(rule, node, message, fix, severity=Severity.WARNING)


# ---- message flows -------------------------------------------------------------------------------------------------


def _message_flow(diagram: Diagram, flow: Node) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 9.4 Message Flow."""
    ends = [diagram.referred(flow.get(name, "")) for name in _ENDS]
    for (name, kinds), end in zip(_ENDS.items(), ends, strict=True):
        if end is not None and local(end) not in kinds and local(end) in _KNOWN:
            way = "leave" if name == "sourceRef" else "lead to"
            message = f"Expected the message flow to {way} a pool, an activity or an event that {_VERBS[name]} it, "
            message += f'but "{end.get("id", "")}" is {a(local(end))}.'
            yield _problem(diagram, "message-flow", flow, message, "Draw it to what sends or gets the message.")
            return
    pools = [_pool(diagram, end) for end in ends if end is not None]
    if len(pools) == 2 and pools[0] is not None and pools[0] is pools[1]:
        message = "Expected the message flow to join two pools, but both of its ends are in the same one."
        yield _problem(diagram, "message-flow", flow, message, "Draw a sequence flow, or an end in another pool.")


_VERBS = {"sourceRef": "sends", "targetRef": "gets"}
_KNOWN = _ENDS["sourceRef"] | _ENDS["targetRef"] | GATEWAYS | {"process", "lane", "dataObject", "dataObjectReference"}
"""Other ends are told by the rule about references, or belong to what is not looked at."""


def _pool(diagram: Diagram, end: Node) -> Node | None:
    """The process behind a pool, or around an element of it; the pool itself where it shows none."""
    if local(end) == "participant":
        return diagram.referred(end.get("processRef", ""), "process") if end.get("processRef") else end
    return next((each for each in (end, *end.iterancestors()) if local(each) == "process"), None)


# ---- pools ---------------------------------------------------------------------------------------------------------


def _multiplicity(diagram: Diagram, node: Node) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 9.3 Pool and Participant (ParticipantMultiplicity)."""
    least, most = (_number(node.get(name, usual)) for name, usual in (("minimum", "0"), ("maximum", "1")))
    if least is None or most is None or not 0 <= least <= most or most < 1:
        message = (
            f'Expected a minimum from 0 and a maximum from 1 that is not less, but they are "{least}" and "{most}".'
        )
        place, holder = diagram.document.place(node), owner(node)
        yield diagram.document.problem(
            "multiplicity", holder, message, "Correct the numbers.", place=place, severity=Severity.WARNING
        )


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.lstrip("-").isdigit() and len(text) < 10 else None


def _conversation(diagram: Diagram, node: Node) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 9.5 Conversations (participantRefs [2..*])."""
    partners = {(each.text or "").strip() for each in node.findall(bpmn("participantRef"))}
    if len(partners) < 2:
        message = f"Expected at least two pools in the conversation, but there is {len(partners) or 'none'}."
        yield _problem(diagram, "conversation", node, message, "Link it to the pools that take part.")


def _conversation_link(diagram: Diagram, link: Node) -> Iterator[Problem]:
    """Source: BPMN 2.0.2, 9.5 Conversations."""
    ends = [diagram.referred(link.get(name, "")) for name in ("sourceRef", "targetRef")]
    kinds = [local(end) in CONVERSATIONS for end in ends if end is not None]
    if len(kinds) == 2 and kinds[0] == kinds[1]:
        message = "Expected the link to join a conversation and a pool, but both of its ends are of one kind."
        yield _problem(diagram, "conversation", link, message, "Draw it from the conversation to the pool.")


_RULES: dict[str, Callable[[Diagram, Node], Iterator[Problem]]] = {
    "messageFlow": _message_flow,
    "participantMultiplicity": _multiplicity,
    "conversationLink": _conversation_link,
    **dict.fromkeys(CONVERSATIONS, _conversation),
}
