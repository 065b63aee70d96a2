"""Correlation: which instance a message is for. Source: BPMN 2.0.2, 8.4.2 Correlation.

A key is a tuple of values. A message carries them in what it brings, or as its sender knows them. An instance expects
them: by expressions over its own variables, which are followed when they change (context-based), else those of the
first message that it sent or received under that key (key-based).
Outside this module a key is a short text, equal for equal values; on a message its name and values stand behind that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from typing import Any

import orjson

from engine.bpmn.elements.event_definition import Correlation, Message
from engine.bpmn.elements.flow_node import Token, storable, text_of, value_of
from engine.bpmn.script import Evaluator, ScriptFailed, names
from engine.bpmn.variables import PROCESS, Scopes
from engine.model import Json

REMEMBERED = "#key "
"""Before the name of a key: the internal variable of the process that holds its values."""
KnownKeys = Mapping[str, list[Json]]
"""The values of keys by name."""


def text(name: str, values: Sequence[Json]) -> str:
    """A key as text of 64 characters. Values are compared as texts: 4711 is "4711"."""
    return sha256("\0".join([name, *map(text_of, values)]).encode()).hexdigest()


def on_message(name: str, values: Sequence[Json]) -> str:
    """A key as a message carries it."""
    return f"{text(name, values)} {orjson.dumps([name, [*map(text_of, values)]]).decode()}"


def text_on_message(key: str) -> str:
    return key.partition(" ")[0]


def _on_message(keys: Iterable[str]) -> KnownKeys:
    """The values of the keys on a message, by name; those that earlier programs put there are a text alone."""
    told = (key.partition(" ")[2] for key in keys)
    return dict(orjson.loads(each) for each in told if each)


def retrieved(evaluator: Evaluator, sources: Sequence[str], known: Mapping[str, Json], now: Any) -> list[Json] | None:
    """The values that a message carries; None when it lacks one of them."""
    values: list[Json] = []
    for source in sources:
        wanted = names(source).wanted
        if not wanted <= known.keys():
            return None
        with suppress(ScriptFailed):
            values.append(evaluator.evaluate(source, {name: known[name] for name in wanted}, now))
    complete = len(values) == len(sources) and all(value is not None for value in values)
    return values if complete else None


# ---- waiting -------------------------------------------------------------------------------------------------------


def expected(token: Token, message: Message) -> dict[str, Json]:
    """The key that a message must carry to be for this token: the first that is known; None: any message will do.

    Told is the same for people. Raises ScriptFailed when the expressions over the variables do.
    """
    for each in message.correlations:
        values = _of_context(token, each) if each.expected else _remembered(token, each)
        if values is not None:
            return {"key": text(each.name, values), "told": _told(each.name, list(map(text_of, values)))}
    return {"key": None}


LONGEST_TOLD = 200


def told_on_message(key: str) -> str:
    """A key on a message for people."""
    return "".join(_told(name, values) for name, values in _on_message([key]).items())


def _told(name: str, values: Sequence[str]) -> str:
    told = ", ".join(values)
    return (f"{name}: {told}" if name else told)[:LONGEST_TOLD]


def _of_context(token: Token, told: Correlation) -> list[Json]:
    return [value_of(token, source) for source in told.expected]


def _remembered(token: Token, told: Correlation) -> list[Json] | None:
    values: list[Json] | None = token.workflow.top_workflow.scopes.known[PROCESS].get(REMEMBERED + told.name)
    return values


# ---- sending and receiving -----------------------------------------------------------------------------------------


def carried(token: Token, message: Message, payload: Mapping[str, Json]) -> list[str]:
    """The keys of a message that is thrown here; those that the instance does not know yet are its own from now on."""
    workflow = token.workflow.top_workflow
    found = list(_carried(token, message, {**workflow.scopes.visible(token), **payload}))
    _remember(token, found)
    return [on_message(each.name, values) for each, values in found]


def received(token: Token, message: Message, payload: Mapping[str, Json], keys: Iterable[str] = ()) -> None:
    """A message has come: the keys that the instance does not know yet are those that it carries."""
    _remember(token, list(_carried(token, message, payload, keys)))


def delivered(token: Token, at: str, payload: Mapping[str, Json], keys: Iterable[str]) -> None:
    """The same where it is handed over: its keys may say more than what it brings."""
    message = token.task_spec.awaited(at)
    if isinstance(message, Message):
        received(token, message, payload, keys)


def begins(
    evaluator: Evaluator, message: Message, sent: Mapping[str, Json], keys: Iterable[str], now: Any
) -> KnownKeys:
    """What an instance knows of its keys that a message begins. sent: what the message brings."""
    told, free = _on_message(keys), [each for each in message.correlations if not each.expected]
    found = ((each, retrieved(evaluator, each.retrieved, sent, now) or told.get(each.name)) for each in free)
    return {each.name: values for each, values in found if values is not None}


def know(scopes: Scopes, keys: KnownKeys) -> None:
    """Let a new instance know these. Raises TypeError for values that are too large."""
    for name, values in keys.items():
        scopes.set(PROCESS, REMEMBERED + name, values)


def _carried(
    token: Token, message: Message, known: Mapping[str, Json], keys: Iterable[str] = ()
) -> Iterator[tuple[Correlation, list[Json]]]:
    """A conversation goes on under the values that it began with."""
    workflow, told = token.workflow.top_workflow, _on_message(keys)
    for each in message.correlations:
        values = _remembered(token, each)
        values = values or retrieved(workflow.world.evaluator, each.retrieved, known, workflow.now)
        values = values or told.get(each.name)
        if values is not None:
            yield each, values


def _remember(token: Token, found: Sequence[tuple[Correlation, list[Json]]]) -> None:
    """Who waits already, waits for messages under these keys from now on."""
    workflow = token.workflow.top_workflow
    new = [(each, values) for each, values in found if not each.expected and _remembered(token, each) is None]
    for each, values in new:
        name = REMEMBERED + each.name
        storable(token, each.name, lambda name=name, values=values: workflow.scopes.set(PROCESS, name, values))
    if new:
        renew(workflow)


def renew(workflow: Any) -> None:
    """Let those who wait expect the keys that they would expect if they began to wait now."""
    workflow.asleep.wake_saying(kind="message")
    for waiting in list(workflow.loaded()):
        for wait in waiting.internal_data.get("waits", ()):
            told = waiting.task_spec.awaited(wait["element"]) if wait["kind"] == "message" else None
            if isinstance(told, Message):
                with suppress(ScriptFailed):  # the key stays as it was
                    wait |= {"told": None, **expected(waiting, told)}
