"""A form made from nothing: one button for each named flow of the exclusive gateway behind a task.

A button sets what makes its flow's condition true and all others false. Where the conditions are too rich for that, the
names they read become fields.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple

from engine.bpmn.forms.schema import schema_of
from engine.model import Json
from engine.model.forms import Button, Field, FieldKind, Form

MAX_NAMES = 12
"""Of one gateway's conditions, that values are looked for; more become fields."""
MAX_WORK = 100_000
"""Pieces of conditions evaluated when looking for what makes each flow's condition true."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One flow out of the gateway."""

    label: str
    condition: str | None = None
    """Python source; None: it has none, or it is the default."""
    is_default: bool = False


Values = dict[str, Json]


def is_drawn_choice(flows: Sequence[tuple[str, str | None]], before: Sequence[tuple[str, int]]) -> bool:
    """Whether the person who did the task before an exclusive gateway decides there by a button.

    flows: (name, condition) of each that leaves; all must have names of their own, and none a condition.
    before: (element type, number of flows that leave it) of each node that leads to the gateway, merges aside.
    """
    labels = [label for label, _condition in flows]
    return (
        _are_buttons(labels)
        and not any(condition for _label, condition in flows)
        and bool(before)
        and all(node == ("userTask", 1) for node in before)
    )


def is_merge(element_type: str, flows: int) -> bool:
    """Whether a node only brings several ways together, and decides nothing. flows: how many leave it."""
    return element_type == "exclusiveGateway" and flows == 1


def _are_buttons(labels: Sequence[str]) -> bool:
    return len(labels) > 1 and all(labels) and len(set(labels)) == len(labels)


def from_choices(names: Iterable[str], flows: Sequence[Choice], choice_variable: str = "") -> Form:
    """A form with a button for each flow, and a field for each other name.

    names: what the task may set. choice_variable: keeps the label chosen when the flows carry no conditions.
    """
    buttons = tuple(_buttons(flows, choice_variable))
    pressed = {name for button in buttons for name in button.values}
    kinds = _kinds(flow.condition for flow in flows if flow.condition)
    asked = {name: kinds.get(name, FieldKind.TEXT) for name in names if name not in pressed}
    fields = tuple(_field(name, kind) for name, kind in asked.items() if kind is not None)
    return Form(fields, schema_of(fields), buttons)


def from_names(
    names: Iterable[str], conditions: Iterable[str], *, scripts: Iterable[str] = (), lists: Container[str] = ()
) -> Form:
    """A form with a field for each name; conditions and scripts tell of what kind it is.

    Numbers and dates are required: what reckons with them cannot do with nothing. Texts and lists may be empty.
    lists: names of lists. A name whose parts are read is not asked for: no field can set it.
    """
    kinds = {**_kinds_in(scripts), **_kinds(conditions)}
    asked = {name: FieldKind.LINES if name in lists else kinds.get(name, FieldKind.TEXT) for name in names}
    fields = tuple(
        replace(_field(name, kind), description="One a line. Empty: none." if kind is FieldKind.LINES else "")
        for name, kind in asked.items()
        if kind is not None
    )
    return Form(fields, schema_of(fields))


def implied_condition(choice_variable: str, label: str) -> str:
    """The condition of a flow whose gateway was drawn without: its button was pressed."""
    return f"{choice_variable} == {label!r}"


def _field(name: str, kind: FieldKind) -> Field:
    label = name.replace("_", " ").strip()
    return Field(name, label[:1].upper() + label[1:], kind, required=kind in (FieldKind.NUMBER, FieldKind.DATE))


# ---- buttons -------------------------------------------------------------------------------------------------------


def _buttons(flows: Sequence[Choice], choice_variable: str) -> Iterator[Button]:
    labels = [flow.label for flow in flows]
    if not _are_buttons(labels):
        return
    if choice_variable and all(flow.condition is None for flow in flows):
        yield from (Button(label, {choice_variable: label}) for label in labels)
        return
    found = _assignments(flows)
    if found is not None:
        yield from (Button(label, values) for label, values in zip(labels, found, strict=True))


def _assignments(flows: Sequence[Choice]) -> list[Values] | None:
    """For each flow what makes it, and no other, be taken; None when that cannot be told."""
    parsed = [condition for condition in map(_parsed, flows) if condition is not None]
    if len(parsed) < len(flows):
        return None
    return _one_value_each(flows, parsed) or _found_by_trying(flows, parsed)


def _one_value_each(flows: Sequence[Choice], conditions: Sequence[ast.expr]) -> list[Values] | None:
    """The usual gateway: every condition compares the same name with a text or number of its own."""
    compared = [_comparison(condition) for condition in conditions if condition is not _NEVER]
    equal = [each for each in compared if each is not None and each.is_true is operator.eq]
    drawn = [each.value for each in equal if type(each.value) in (str, int, float)]
    names = {each.name for each in equal}
    if len(names) != 1 or len(set(drawn)) < len(compared):
        return None
    (name,) = names
    left = iter(drawn)
    return [{name: _another(flow.label, drawn) if flow.is_default else next(left)} for flow in flows]


def _another(label: str, drawn: Sequence[Json]) -> str | None:
    """What leads to the default flow: its label, where that is another text among texts."""
    return label if label not in drawn and all(isinstance(value, str) for value in drawn) else None


def _found_by_trying(flows: Sequence[Choice], conditions: Sequence[ast.expr]) -> list[Values] | None:
    candidates = _candidates(flows, conditions)
    pieces = sum(1 for condition in conditions for _node in ast.walk(condition))
    if not candidates or math.prod(map(len, candidates.values())) * pieces > MAX_WORK:
        return None
    found: dict[int, Values] = {}
    default = next((number for number, flow in enumerate(flows) if flow.is_default), None)
    for told in product(*candidates.values()):
        values = dict(zip(candidates, told, strict=True))
        true = [number for number, condition in enumerate(conditions) if _holds(condition, values)]
        taken = true[0] if len(true) == 1 else None if true else default
        if taken is not None:
            found.setdefault(taken, values)
    return [found[number] for number in range(len(flows))] if len(found) == len(flows) else None


def _parsed(flow: Choice) -> ast.expr | None:
    """A condition of plain names and literals; None when there is more to it. A default flow's does not count."""
    if flow.is_default:
        return _NEVER
    try:
        tree = ast.parse(flow.condition or "", mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if _is_simple(tree) else None


def _is_simple(tree: ast.expr) -> bool:
    match tree:
        case ast.Name() | ast.UnaryOp(op=ast.Not(), operand=ast.Name()):
            return True
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return _is_simple(inner)
        case ast.BoolOp(values=inners):
            return all(map(_is_simple, inners))
    return _comparison(tree) is not None


_NEVER = ast.Constant(False)


class _Comparison(NamedTuple):
    name: str
    value: Json
    is_true: Callable[[object, object], bool]


_OPERATORS: dict[type[ast.cmpop], Callable[[object, object], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


def _comparison(tree: ast.expr) -> _Comparison | None:
    """`name == literal` or the other way round, and != likewise."""
    match tree:
        case ast.Compare(left=ast.Name(id=name), ops=[sign], comparators=[ast.Constant(value=value)]):
            pass
        case ast.Compare(left=ast.Constant(value=value), ops=[sign], comparators=[ast.Name(id=name)]):
            pass
        case _:
            return None
    is_true = _OPERATORS.get(type(sign))
    return _Comparison(name, value, is_true) if is_true and isinstance(value, _LITERALS) else None


_LITERALS = (str, int, float, type(None))


def _candidates(flows: Sequence[Choice], conditions: Iterable[ast.expr]) -> dict[str, list[Json]]:
    """Name -> the values worth trying, those drawn in the conditions first; {} when there are too many names."""
    found: dict[str, list[Json]] = {}
    for tree in (node for condition in conditions for node in ast.walk(condition)):
        compared = _comparison(tree) if isinstance(tree, ast.Compare) else None
        if compared is not None:
            found.setdefault(compared.name, []).append(compared.value)
        elif isinstance(tree, ast.Name):
            found.setdefault(tree.id, [])
    if len(found) > MAX_NAMES:
        return {}
    return {name: _distinct([*values, *_others(flows, values)]) for name, values in found.items()}


def _others(flows: Sequence[Choice], values: Sequence[Json]) -> list[Json]:
    """Values beside the drawn ones: the opposite of a truth, the label of the default flow, or nothing."""
    if all(isinstance(value, bool) for value in values):
        return [True, False]
    default = [flow.label for flow in flows if flow.is_default or "!=" in (flow.condition or "")]
    return [*(default if all(isinstance(value, str) for value in values) else []), None]


def _distinct(values: Iterable[Json]) -> list[Json]:
    return list({(type(value), value): value for value in values}.values())


def _holds(tree: ast.expr, values: Mapping[str, Json]) -> bool:
    match tree:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id=name):
            return bool(values[name])
        case ast.UnaryOp(operand=inner):
            return not _holds(inner, values)
        case ast.BoolOp(op=sign, values=inners):
            together = all if isinstance(sign, ast.And) else any
            return together(_holds(inner, values) for inner in inners)
    compared = _comparison(tree)
    assert compared is not None  # _is_simple let nothing else through
    return compared.is_true(values[compared.name], compared.value)


# ---- fields --------------------------------------------------------------------------------------------------------

_KINDS: dict[type, FieldKind] = {
    bool: FieldKind.CHECKBOX,
    int: FieldKind.NUMBER,
    float: FieldKind.NUMBER,
    str: FieldKind.TEXT,
}


def _kinds(conditions: Iterable[str]) -> dict[str, FieldKind | None]:
    """Name -> what its comparisons tell; None for a name whose parts are read: no field can set it."""
    found: dict[str, FieldKind | None] = {}
    for condition in conditions:
        found |= {**_kinds_in([condition]), **found}
        bare = _bare(ast.parse(condition, mode="eval").body)
        found.update((name, FieldKind.CHECKBOX) for name in bare if name not in found)
    return found


def _kinds_in(sources: Iterable[str]) -> dict[str, FieldKind | None]:
    """The same of scripts, in which no name stands for a truth by itself."""
    found: dict[str, FieldKind | None] = {}
    for source in sources:
        nodes = list(ast.walk(ast.parse(source)))
        for node in nodes:
            found.update(_told(node))
        counted = [name for node in nodes for name in _counted(node)]
        found.update((name, FieldKind.NUMBER) for name in counted if name not in found)
    return found


def _told(node: ast.AST) -> Iterator[tuple[str, FieldKind | None]]:
    match node:
        case ast.Subscript(value=ast.Name(id=name)) | ast.Attribute(value=ast.Name(id=name)):
            yield name, None
        case ast.Call(args=[ast.Name(id=name)]):
            yield name, FieldKind.TEXT
        case ast.For(iter=ast.Name(id=name)) | ast.comprehension(iter=ast.Name(id=name)):
            yield name, FieldKind.LINES
        case ast.Compare(left=left, comparators=[right]):
            for one, other in ((left, right), (right, left)):
                if isinstance(one, ast.Name):
                    yield from _compared(one.id, other)


def _compared(name: str, other: ast.expr) -> Iterator[tuple[str, FieldKind]]:
    match other:
        case ast.Constant(value=value) if type(value) in _KINDS:
            yield name, _KINDS[type(value)]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()) | ast.BinOp():
            yield name, FieldKind.NUMBER
        case ast.Call(func=ast.Name(id="date")):
            yield name, FieldKind.DATE


def _counted(node: ast.AST) -> Iterator[str]:
    """Names that are reckoned with, or compared in size with what is no plain value."""
    match node:
        case ast.BinOp(left=left, op=ast.Add(), right=right) if any(map(_is_text, (left, right))):
            return
        case ast.BinOp(left=left, right=right):
            pass
        case ast.AugAssign(target=left, value=right) if not _is_text(right):
            pass
        case ast.Compare(left=left, ops=[ast.Lt() | ast.LtE() | ast.Gt() | ast.GtE()], comparators=[right]):
            pass
        case _:
            return
    yield from (each.id for each in (left, right) if isinstance(each, ast.Name))


def _is_text(tree: ast.expr) -> bool:
    return isinstance(tree, ast.JoinedStr) or (isinstance(tree, ast.Constant) and isinstance(tree.value, str))


def _bare(tree: ast.expr) -> Iterator[str]:
    """Names that stand for a truth by themselves."""
    match tree:
        case ast.Name(id=name):
            yield name
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            yield from _bare(inner)
        case ast.BoolOp(values=inners):
            for inner in inners:
                yield from _bare(inner)
