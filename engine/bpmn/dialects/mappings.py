"""Input and output mappings, in the words of each tool: names, and the Python sources of their values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from engine.bpmn import scripts
from engine.bpmn.nodes import OPERATOR, SPIFF, ZEEBE, camunda, local
from engine.bpmn.texts import expression, feel_value, value
from engine.bpmn.translation import Untranslatable

ZEEBE_MAPPING = f"{{{ZEEBE}}}ioMapping"
ZEEBE_INPUT = f"{{{ZEEBE}}}input"
Mapped = tuple[str, str]
"""The name a mapping sets, and the source of its value."""
_Tree = dict[str, "str | _Tree"]


def inputs(extensions: etree._Element) -> Iterator[Mapped]:
    """What extensionElements say. Raises Untranslatable."""
    yield from map(mapped, extensions.iterfind(f"{camunda('inputOutput')}/{camunda('inputParameter')}"))
    yield from operands(extensions)
    yield from _gathered(map(zeebe, extensions.iterfind(f"{ZEEBE_MAPPING}/{ZEEBE_INPUT}")))


def _gathered(given: Iterable[Mapped]) -> Iterator[Mapped]:
    """Names with dots set properties: those of one object become the one mapping that makes the object."""
    tree: _Tree = {}
    for name, source in given:
        *objects, last = name.split(".")
        inner = tree
        for each in objects:
            held = inner.get(each)
            inner[each] = inner = held if isinstance(held, dict) else {}
        inner[last] = source
    yield from ((name, _made(value)) for name, value in tree.items())


def _made(value: str | _Tree) -> str:
    """The source of a value, or of an object with its properties."""
    if isinstance(value, str):
        return value
    return f"{{{', '.join(f'{name!r}: {_made(inner)}' for name, inner in value.items())}}}"


def outputs(extensions: etree._Element) -> Iterator[Mapped]:
    """Raises Untranslatable."""
    yield from map(mapped, extensions.iterfind(f"{camunda('inputOutput')}/{camunda('outputParameter')}"))
    yield from map(zeebe, extensions.iterfind(f"{ZEEBE_MAPPING}/{{{ZEEBE}}}output"))


def zeebe(node: etree._Element) -> Mapped:
    """The name and source of zeebe:input or output. Raises Untranslatable."""
    return node.get("target", "").strip(), feel_value(node.get("source", ""))


def operands(extensions: etree._Element) -> Iterator[Mapped]:
    """What SpiffWorkflow's operator is called with."""
    for each in extensions.iterfind(f"{OPERATOR}//{{{SPIFF}}}parameter"):
        yield each.get("id", "").strip(), expression(each.get("value", ""))


def mapped(parameter: etree._Element) -> Mapped:
    """The name and source of camunda:inputParameter or outputParameter. Raises Untranslatable."""
    return parameter.get("name", "").strip(), content(parameter)


def content(node: etree._Element) -> str:
    """The source of what stands inside a parameter, a map's entry or a list: text, map, list or script."""
    for child in node:
        read = _CONTENTS.get(local(child))
        if read is None:
            raise Untranslatable(f"Expected text, a map, a list or a script, but here is <{local(child)}>.")
        return read(child)
    text = (node.text or "").strip()
    return value(text) if text else "None"


def _map(node: etree._Element) -> str:
    entries = (f"{entry.get('key', '')!r}: {content(entry)}" for entry in node.findall(camunda("entry")))
    return f"{{{', '.join(entries)}}}"


def _list(node: etree._Element) -> str:
    items = (_script(item) if local(item) == "script" else content(item) for item in node)
    return f"[{', '.join(items)}]"


def _script(node: etree._Element) -> str:
    """A script inside a mapping is one Python expression."""
    language = node.get("scriptFormat", "python").lower()
    if language != "python" and language not in scripts.FORMATS:
        raise Untranslatable(f"Expected a script in Python, but its scriptFormat is {language!r}.")
    if node.get("resource"):
        raise Untranslatable("Expected the script inside the diagram, but it names a resource.")
    text = node.text or ""
    return expression(text) if language == "python" else scripts.expression(scripts.FORMATS[language], text)


_CONTENTS = {"map": _map, "list": _list, "script": _script}
