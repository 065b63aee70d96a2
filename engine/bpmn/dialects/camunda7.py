"""The words of Camunda 7 (camunda:), which Activiti and Flowable share."""

from __future__ import annotations

from dataclasses import replace

from engine.bpmn.dialects.words import GIVING_SOURCES, Dialect, Effect, change, harmless, mapped
from engine.bpmn.forms.files import DEPLOYED
from engine.bpmn.nodes import CAMUNDA, FLOW_NODES, SERVICES
from engine.bpmn.scripts import effect
from engine.bpmn.texts import literal, literals, name_or_expression, value, values, whole_number

GIVING_SOURCES.add(effect)

WORK_OF_PEOPLE = ("userTask", "adHocSubProcess")
"""What comes to the inbox: a task to do, or to choose what is done next."""
WITH_FORMS = ("userTask", "startEvent")
_SERVICES = tuple(sorted(SERVICES))
_CALLING = (*_SERVICES, "messageEventDefinition")
_LOOP = "multiInstanceLoopCharacteristics"

JAVA = (
    'Write camunda:type="external" camunda:topic="..." instead and register a Python function of that name, '
    "or let a worker outside fetch it."
)
_DECISION = 'Decisions are not executed: let a service decide (camunda:type="external" camunda:topic="...").'
_LISTENER = "Draw what it does as a task."


def form_ref(text: str) -> str:
    """A key that means a file of the upload. Raises Untranslatable."""
    return DEPLOYED + literal(text)


ATTRIBUTES = {
    "assignee": (mapped("the assignee", *WORK_OF_PEOPLE, term="assignee", read=value),),
    "candidateUsers": (mapped("the candidates", *WORK_OF_PEOPLE, term="candidate_users", read=values),),
    "candidateGroups": (mapped("the candidate groups", *WORK_OF_PEOPLE, term="candidate_groups", read=values),),
    "candidateStarterUsers": (mapped("who may start it", "process", term="starter_users", read=literals),),
    "candidateStarterGroups": (mapped("whose groups may start it", "process", term="starter_groups", read=literals),),
    "dueDate": (mapped("the due date", *WORK_OF_PEOPLE, term="due", read=value),),
    "followUpDate": (mapped("the follow-up date", *WORK_OF_PEOPLE, term="follow_up", read=value),),
    "priority": (mapped("the priority", *WORK_OF_PEOPLE, term="priority", read=whole_number),),
    "formKey": (mapped("the form", *WITH_FORMS, term="form_key", read=literal),),
    "formRef": (mapped("the form", *WITH_FORMS, term="form_key", read=form_ref),),
    "formRefBinding": (harmless("A form goes with the version of the diagram that it was uploaded with."),),
    "formRefVersion": (harmless("A form goes with the version of the diagram that it was uploaded with."),),
    "topic": (mapped("the service that is called", *_CALLING, term="topic", read=literal),),
    "taskPriority": (
        mapped("the priority of its calls", *_SERVICES, "process", term="task_priority", read=whole_number),
    ),
    "expression": (mapped("evaluated as it is entered", *_CALLING, term="effect", read=effect),),
    "resultVariable": (
        mapped("the variable for what comes back", *_CALLING, "scriptTask", term="result_variable", read=literal),
    ),
    "collection": (mapped("what is gone through", _LOOP, term="collection", read=name_or_expression),),
    "elementVariable": (mapped("the variable of each round", _LOOP, term="element_variable", read=literal),),
    "calledElementBinding": (mapped("which version is called", "callActivity", term="called_binding", read=literal),),
    "calledElementVersion": (mapped("the version called", "callActivity", term="called_version", read=value),),
    "calledElementVersionTag": (mapped("the version tag called", "callActivity", term="called_tag", read=value),),
    "versionTag": (mapped("the version tag", "process", term="version_tag", read=literal),),
    "initiator": (mapped("the variable for who started", "startEvent", term="initiator", read=literal),),
    "errorCodeVariable": (
        mapped("the variable for the code", "errorEventDefinition", term="code_variable", read=literal),
    ),
    "errorMessageVariable": (
        mapped("the variable for the message", "errorEventDefinition", term="message_variable", read=literal),
    ),
    "escalationCodeVariable": (
        mapped("the variable for the code", "escalationEventDefinition", term="code_variable", read=literal),
    ),
    "type": (harmless("The topic says what is called.", *_CALLING),),
    # ---- of no consequence here
    "asyncBefore": (harmless("Every step is stored before the next."),),
    "asyncAfter": (harmless("Every step is stored before the next."),),
    "async": (harmless("Every step is stored before the next."),),
    "exclusive": (harmless("An instance never moves in two places at once."),),
    "jobPriority": (harmless("Timers fire in the order in which they are due."),),
    "historyTimeToLive": (harmless("Administrators say how long history is kept."),),
    "isStartableInTasklist": (harmless("Who may start it is said by rights."),),
    "variableName": (harmless("A condition is asked whenever a variable that it reads was set."),),
    "variableEvents": (harmless("A condition is asked whenever a variable that it reads was set."),),
    "diagramRelationId": (harmless("It links the drawing to another tool."),),
    "modelerTemplate": (harmless("It tells the modeler what to show."),),
    "modelerTemplateVersion": (harmless("It tells the modeler what to show."),),
    "modelerTemplateIcon": (harmless("It tells the modeler what to show."),),
    # ---- to be changed
    "errorMessage": (mapped("what is told when it is thrown", "error", term="error_message", read=value),),
    "class": (change(JAVA),),
    "delegateExpression": (change(JAVA),),
    "decisionRef": (change(_DECISION),),
    "mapDecisionResult": (change(_DECISION),),
    "decisionRefBinding": (change(_DECISION),),
    "decisionRefVersion": (change(_DECISION),),
    "decisionRefTenantId": (change(_DECISION),),
    "resource": (change("Write the script into the diagram."),),
    "formHandlerClass": (change("Use a form file or camunda:formData."),),
    "caseRef": (change("Draw the case as a process."),),
    "calledElementTenantId": (change("Delete it: there are no tenants."),),
    "variableMappingClass": (change("Use camunda:in and camunda:out."),),
    "variableMappingDelegateExpression": (change("Use camunda:in and camunda:out."),),
}
ELEMENTS = {
    "inputOutput": (mapped("input and output mappings"),),
    "formData": (mapped("the form", *WITH_FORMS),),
    "formProperty": (mapped("a field of the form", *WITH_FORMS),),
    "in": (mapped("what goes in"),),
    "out": (mapped("what comes out"),),
    "failedJobRetryTimeCycle": (mapped("how its calls are tried again", *_SERVICES),),
    "connector": (mapped("a call by HTTP", *_CALLING),),
    "executionListener": (
        replace(
            mapped("runs as it is entered, or when its work is done", *FLOW_NODES),
            attributes={
                "event": mapped("when it runs"),
                "expression": mapped("what it does"),
                "class": change(_LISTENER),
                "delegateExpression": change(_LISTENER),
            },
        ),
        change(_LISTENER),
    ),
    "potentialStarter": (mapped("who may start it", "process"),),
    "properties": (harmless("Workers outside are told of them."),),
    # ---- to be changed
    "taskListener": (change(_LISTENER),),
    "field": (change(JAVA),),
    "errorEventDefinition": (change("Let the service raise a BPMN error."),),
}
CAMUNDA_7 = Dialect("Camunda 7", "camunda", CAMUNDA, ATTRIBUTES, ELEMENTS, unknown=Effect.IGNORED)
