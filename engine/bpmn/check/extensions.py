"""Extensions of Camunda 7 and other tools: what of them is executed, refused, or of no consequence.

Vendors we do not know are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lxml import etree

from engine.bpmn import dialects
from engine.bpmn.check.diagram import SERVICES, Diagram, children, owner
from engine.bpmn.nodes import CAMUNDA, SPIFF, Node, bpmn, local
from engine.model.problems import Problem, Severity


def check(diagram: Diagram) -> Iterator[Problem]:
    for node in diagram.running:
        yield from _camunda_attributes(diagram, node)
        yield from _camunda_extensions(diagram, node)
        yield from _other_tools(diagram, node)


# ---- Camunda's attributes -------------------------------------------------------------------

_EXTERNAL = 'Write camunda:type="external" camunda:topic="..." and register a service of that name.'
_LISTENER = "Draw what it does as a task."
_REFUSED_ATTRIBUTES = {
    "class": _EXTERNAL,
    "delegateExpression": _EXTERNAL,
    "expression": _EXTERNAL,
    "decisionRef": _EXTERNAL,
    "mapDecisionResult": _EXTERNAL,
    "resource": "Write the script into the diagram.",
    "formHandlerClass": "Use a form file or camunda:formData.",
    "errorCodeVariable": "Draw one boundary event for each error code.",
    "errorMessageVariable": "Draw one boundary event for each error code.",
    "escalationCodeVariable": "Draw one boundary event for each escalation code.",
    "caseRef": "Draw the case as a process.",
    "calledElementVersionTag": "Bind the call by version, or to the latest one.",
    "calledElementTenantId": "Delete it: there are no tenants.",
    "variableMappingClass": "Use camunda:in and camunda:out.",
    "variableMappingDelegateExpression": "Use camunda:in and camunda:out.",
}
_REFUSED_IN_PLACE = {("scriptTask", "resultVariable"): "Set the variable in the script: total = a + b."}
"""Element and attribute, where the attribute means something elsewhere."""
_HARMLESS_ATTRIBUTES = frozenset(
    {
        "asyncBefore",
        "asyncAfter",
        "async",
        "exclusive",
        "diagramRelationId",
        "formRefBinding",
        "historyTimeToLive",
        "isStartableInTasklist",
        "variableName",  # a conditional event is asked whenever a variable that it reads was set
        "variableEvents",
        "jobPriority",
        "modelerTemplate",
        "modelerTemplateVersion",
        "modelerTemplateIcon",
        "type",
    }
)
WORK_OF_PEOPLE = frozenset({"userTask", "adHocSubProcess"})
"""What comes to the inbox: a task to do, or to choose what is done next."""
_ATTRIBUTE_PLACES = {
    "resultVariable": SERVICES,
    "topic": SERVICES,
    "taskPriority": SERVICES | {"process"},
    "collection": frozenset({"multiInstanceLoopCharacteristics"}),
    "elementVariable": frozenset({"multiInstanceLoopCharacteristics"}),
    "calledElementBinding": frozenset({"callActivity"}),
    "calledElementVersion": frozenset({"callActivity"}),
    "initiator": frozenset({"startEvent"}),
    **dict.fromkeys(("assignee", "candidateUsers", "candidateGroups", "dueDate", "followUpDate"), WORK_OF_PEOPLE),
    "formKey": frozenset({"userTask", "startEvent"}),
    "formRef": frozenset({"userTask", "startEvent"}),
}
"""Where attributes that are executed somewhere have their meaning; anywhere else they would be ignored."""


def _camunda_attributes(diagram: Diagram, node: Node) -> Iterator[Problem]:
    for name in map(etree.QName, map(str, node.attrib)):
        if name.namespace != CAMUNDA:
            continue
        word = name.localname
        place = diagram.document.attribute_place(node, str(name))
        fix = _REFUSED_IN_PLACE.get((local(node), word)) or _REFUSED_ATTRIBUTES.get(word)
        if fix is not None:
            message = f"The attribute camunda:{word} is not executed here."
            yield diagram.document.problem("unsupported-element", owner(node), message, fix, place=place)
        elif word not in _HARMLESS_ATTRIBUTES and not _has_meaning(word, node):
            message = f"The attribute camunda:{word} is ignored here."
            yield diagram.document.problem(
                "ignored-attribute", owner(node), message, "Delete it.", place=place, severity=Severity.WARNING
            )


def _has_meaning(word: str, node: Node) -> bool:
    return word in dialects.ATTRIBUTES and local(node) in _ATTRIBUTE_PLACES.get(word, {local(node)})


# ---- Camunda's extension elements ----------------------------------------------------------------------------------

_REFUSED_EXTENSIONS = {
    "executionListener": _LISTENER,
    "taskListener": _LISTENER,
    "connector": _EXTERNAL,
    "field": _EXTERNAL,
    "errorEventDefinition": "Let the service raise a BPMN error.",
    "formProperty": "Use camunda:formData.",
    "potentialStarter": "Use camunda:candidateStarterUsers or camunda:candidateStarterGroups.",
}
_EXECUTED_EXTENSIONS = frozenset({"inputOutput", "formData", "in", "out"})
_EXECUTED_BY_SERVICES = frozenset({"failedJobRetryTimeCycle"})
_HARMLESS_EXTENSIONS = frozenset({"properties"})


def _camunda_extensions(diagram: Diagram, node: Node) -> Iterator[Problem]:
    for extension in _extensions(node):
        name = etree.QName(extension)
        word, place = name.localname, diagram.document.place(extension)
        executed = _EXECUTED_EXTENSIONS | (_EXECUTED_BY_SERVICES if local(node) in SERVICES else frozenset())
        if name.namespace != CAMUNDA or word in executed | _HARMLESS_EXTENSIONS:
            continue
        if word in _REFUSED_EXTENSIONS:
            message, fix = f"camunda:{word} is not executed.", _REFUSED_EXTENSIONS[word]
            yield diagram.document.problem("unsupported-element", owner(node), message, fix, place=place)
        else:
            message = f"camunda:{word} is ignored here."
            yield diagram.document.problem(
                "ignored-attribute", owner(node), message, place=place, severity=Severity.WARNING
            )


def _extensions(node: Node) -> Iterator[Node]:
    for holder in node.findall(bpmn("extensionElements")):
        yield from (child for child in holder if isinstance(child.tag, str))


# ---- other tools' extensions that would change how a process runs --------------------------------------------------

_OTHERS: Mapping[str, tuple[str, frozenset[str]]] = {
    "http://camunda.org/schema/zeebe/1.0": (
        "Camunda 8",
        frozenset(
            {
                "modelerTemplate",
                "modelerTemplateIcon",
                "modelerTemplateVersion",
                "properties",
                "taskHeaders",
                "userTask",
                "userTaskForm",
                "versionTag",
            }
        ),
    ),
    "http://activiti.org/bpmn": ("Activiti", frozenset({"async", "exclusive"})),
    "http://flowable.org/bpmn": ("Flowable", frozenset({"async", "exclusive"})),
    SPIFF: ("SpiffWorkflow", frozenset({"unitTests", "properties", "serviceTaskOperator"})),
}
"""Namespace -> tool, and its words that change nothing."""


def _other_tools(diagram: Diagram, node: Node) -> Iterator[Problem]:
    for tool, words in _words_of_other_tools(node).items():
        fix = "Write them with the camunda: words of Camunda 7, or in standard BPMN."
        message = f"Extensions of {tool} are not executed: {', '.join(words)}."
        yield diagram.document.problem("unsupported-element", owner(node), message, fix)


def is_drawn_for_another_tool(node: Node) -> bool:
    """Whether an element, or its loop, carries words of a tool whose extensions are not executed."""
    return any(_words_of_other_tools(each) for each in (node, *children(node)))


def _words_of_other_tools(node: Node) -> dict[str, list[str]]:
    """Tool -> its words here that would change how the element runs."""
    found: dict[str, list[str]] = {}
    for tag in (*map(str, node.attrib), *(str(extension.tag) for extension in _extensions(node))):
        name = etree.QName(tag)
        tool, harmless = _OTHERS.get(str(name.namespace or ""), ("", frozenset()))
        if tool and name.localname not in harmless and name.localname not in found.setdefault(tool, []):
            found[tool].append(name.localname)
    return {tool: words for tool, words in found.items() if words}
