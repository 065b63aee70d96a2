"""The words of Camunda 8 (zeebe:). Texts are literal, or FEEL behind =."""

from __future__ import annotations

from engine.bpmn.dialects.words import GIVING_SOURCES, Dialect, Effect, change, harmless, mapped
from engine.bpmn.forms.files import DEPLOYED
from engine.bpmn.nodes import ACTIVITIES, SERVICES, ZEEBE
from engine.bpmn.texts import feel_expression, feel_literal, feel_number, feel_value, feel_values

GIVING_SOURCES |= {feel_value, feel_values, feel_number, feel_expression}

_CALLING = (*SERVICES, "scriptTask", "intermediateThrowEvent", "endEvent")
_LOOP = "multiInstanceLoopCharacteristics"
_LISTENER = "Draw what it does as a task."
_FORM_VERSION = harmless("A form goes with the version of the diagram that it was uploaded with.")


def _form_id(text: str) -> str:
    """Raises Untranslatable."""
    return DEPLOYED + feel_literal(text)


ELEMENTS = {
    "taskDefinition": (
        mapped(
            "the service that is called",
            *_CALLING,
            type=mapped("its topic", term="topic", read=feel_literal),
            retries=mapped("how often it is tried", term="tries", read=feel_literal),
        ),
    ),
    "ioMapping": (mapped("input and output mappings"),),
    "taskHeaders": (mapped("what workers are told"),),
    "properties": (mapped("what workers are told"),),
    "assignmentDefinition": (
        mapped(
            "whose work it is",
            "userTask",
            assignee=mapped("the assignee", term="assignee", read=feel_value),
            candidateUsers=mapped("the candidates", term="candidate_users", read=feel_values),
            candidateGroups=mapped("the candidate groups", term="candidate_groups", read=feel_values),
        ),
    ),
    "taskSchedule": (
        mapped(
            "when it is due",
            "userTask",
            dueDate=mapped("the due date", term="due", read=feel_value),
            followUpDate=mapped("the follow-up date", term="follow_up", read=feel_value),
        ),
    ),
    "priorityDefinition": (
        mapped("the priority", "userTask", priority=mapped("the priority", term="priority", read=feel_number)),
    ),
    "formDefinition": (
        mapped(
            "the form",
            "userTask",
            "startEvent",
            formId=mapped("the form", term="form_key", read=_form_id),
            formKey=mapped("the form", term="form_key", read=feel_literal),
            externalReference=harmless("People are shown a form that asks for what the process needs."),
            bindingType=_FORM_VERSION,
            versionTag=_FORM_VERSION,
        ),
    ),
    "userTaskForm": (mapped("a form inside the diagram", id=mapped("its id")),),
    "userTask": (harmless("Every user task comes to the inbox."),),
    "calledElement": (
        mapped(
            "the process that is called",
            "callActivity",
            processId=mapped("its id", term="called", read=feel_value),
            bindingType=mapped("which version is called", term="called_binding", read=feel_literal),
            versionTag=mapped("the version tag called", term="called_tag", read=feel_value),
            propagateAllParentVariables=mapped("whether everything goes in", term="takes_all", read=feel_literal),
            propagateAllChildVariables=mapped("whether everything comes out", term="gives_all", read=feel_literal),
        ),
    ),
    "loopCharacteristics": (
        mapped(
            "what is gone through",
            _LOOP,
            inputCollection=mapped("the collection", term="collection", read=feel_expression),
            inputElement=mapped("the variable of each round", term="element_variable", read=feel_literal),
            outputCollection=mapped("what is collected", term="output_collection", read=feel_literal),
            outputElement=mapped("what each round gives", term="output_item", read=feel_expression),
        ),
    ),
    "subscription": (
        mapped(
            "which instance a message is for",
            "message",
            correlationKey=mapped("the key", term="correlation_key", read=feel_expression),
        ),
    ),
    "script": (
        mapped(
            "evaluated as it is entered",
            "scriptTask",
            expression=mapped("the expression", term="effect", read=feel_expression),
            resultVariable=mapped("the variable for its value", term="result_variable", read=feel_literal),
        ),
    ),
    "versionTag": (
        mapped("the version tag", "process", value=mapped("the version tag", term="version_tag", read=feel_literal)),
    ),
    "modelerTemplate": (harmless("It tells the modeler what to show."),),
    # ---- to be changed
    "calledDecision": (change("Decisions are not executed: let a service decide (zeebe:taskDefinition)."),),
    "executionListeners": (change(_LISTENER),),
    "taskListeners": (change(_LISTENER),),
    "publishMessage": (change("Delete it: a message goes to who waits for it by its correlation key."),),
    "adHoc": (change("Let people choose in the inbox: delete it.", *ACTIVITIES),),
}
ATTRIBUTES = {
    word: (harmless("It tells the modeler what to show."),)
    for word in ("modelerTemplate", "modelerTemplateVersion", "modelerTemplateIcon")
}
CAMUNDA_8 = Dialect("Camunda 8", "zeebe", ZEEBE, ATTRIBUTES, ELEMENTS, unknown=Effect.CHANGE)
