"""The words of SpiffWorkflow and SpiffArena (spiffworkflow:)."""

from __future__ import annotations

from engine.bpmn.dialects.words import Dialect, Effect, change, harmless, mapped
from engine.bpmn.nodes import FLOW_NODES, SERVICES, SPIFF
from engine.bpmn.texts import literal

_INSTEAD = "Collect it in a mapping or a script."
ELEMENTS = {
    "serviceTaskOperator": (
        mapped(
            "the service that is called",
            *SERVICES,
            id=mapped("its topic", term="topic", read=literal),
            resultVariable=mapped("the variable for its answer", term="result_variable", read=literal),
        ),
    ),
    "preScript": (mapped("runs as it is entered", *FLOW_NODES),),
    "postScript": (mapped("runs when its work is done", *FLOW_NODES),),
    "properties": (mapped("the form, as far as one is named; workers outside are told of the rest"),),
    "instructionsForEndUser": (
        mapped("what people read at the task", "userTask", "manualTask"),
        harmless("Nobody reads it there."),
    ),
    "unitTests": (harmless("They are run by the modeler."),),
    "category": (harmless("It sorts diagrams in the modeler."),),
    # ---- to be changed
    "calledDecisionId": (
        change("Decisions are not executed: let a service decide (spiffworkflow:serviceTaskOperator)."),
    ),
    "messagePayload": (change("Say what the message brings by the inputs of the event that throws it."),),
    "messageVariable": (change("What a message brings becomes variables of the same names. " + _INSTEAD),),
    "payloadExpression": (change("Say what is thrown by the inputs of the event that throws it."),),
    "variableName": (change("What an event brings becomes variables of the same names. " + _INSTEAD),),
    "allowGuest": (change("Delete it: people sign in."),),
    "guestConfirmation": (change("Delete it: people sign in."),),
    "signalButtonLabel": (change("Let a person send the signal, or draw a user task."),),
}
SPIFFWORKFLOW = Dialect("SpiffWorkflow", "spiffworkflow", SPIFF, {}, ELEMENTS, unknown=Effect.CHANGE)
