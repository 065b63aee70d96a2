"""camunda:connector -> a call by HTTP: only the connector of that kind is known."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from engine.bpmn.dialects import mappings
from engine.bpmn.elements.flow_node import Assignment
from engine.bpmn.elements.http_task import Header, HttpCall
from engine.bpmn.nodes import Node, bpmn, camunda
from engine.bpmn.script import constant
from engine.bpmn.translation import Untranslatable

_INPUTS = ("url", "method", "headers", "payload")
_OUTPUTS = {"response": "body", "statusCode": "status"}
"""What the connector's outputs read -> our names for that. A body in JSON is read by then."""


def of(node: Node) -> Node | None:
    """The connector of a task, or of the message that an event throws."""
    inside = f"{bpmn('extensionElements')}/{camunda('connector')}"
    found = node.find(inside)
    return found if found is not None else node.find(f"{bpmn('messageEventDefinition')}/{inside}")


def read(connector: Node) -> HttpCall:
    """Raises Untranslatable."""
    kind = (connector.findtext(camunda("connectorId")) or "").strip()
    if kind != "http-connector":
        raise Untranslatable(
            f'Expected the connector "http-connector", but it is "{kind:.50}". Call a service by topic.'
        )
    told = {each.get("name", ""): each for each in _parameters(connector, "inputParameter")}
    strange = [name for name in told if name not in _INPUTS]
    if strange or "url" not in told:
        message = f"Expected the inputs {', '.join(_INPUTS)}, but "
        raise Untranslatable(message + (f'here is "{strange[0]:.50}".' if strange else "there is no url."))
    results = map(_result, _parameters(connector, "outputParameter"))
    return HttpCall(
        method=_method(told),
        url=mappings.mapped(told["url"])[1],
        headers=tuple(_headers(told.get("headers"))),
        body=mappings.mapped(told["payload"])[1] if "payload" in told else None,
        results=tuple(results),
    )


def _parameters(connector: Node, tag: str) -> list[Node]:
    return connector.findall(f"{camunda('inputOutput')}/{camunda(tag)}")


def _method(told: dict[str, Node]) -> str:
    known = constant(mappings.mapped(told["method"])[1]) if "method" in told else ("GET",)
    if known is None:
        raise Untranslatable("Expected the method as plain text such as POST, but it is an expression.")
    return str(known[0]).upper()


def _headers(told: Node | None) -> Iterator[Header]:
    for entry in [] if told is None else told.iterfind(f"{camunda('map')}/{camunda('entry')}"):
        yield Header(entry.get("key", "").strip(), mappings.content(entry), None)


def _result(parameter: Node) -> Assignment:
    name, source = mappings.mapped(parameter)
    return Assignment(name, ast.unparse(_Renaming().visit(ast.parse(source, mode="eval"))))


class _Renaming(ast.NodeTransformer):
    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(_OUTPUTS.get(node.id, node.id), node.ctx)
