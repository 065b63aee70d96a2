"""The words of SpiffWorkflow and SpiffArena (spiffworkflow:)."""

from __future__ import annotations

from engine.bpmn.dialects.words import Dialect, Effect, harmless, mapped
from engine.bpmn.nodes import SERVICES, SPIFF
from engine.bpmn.texts import literal

ELEMENTS = {
    "serviceTaskOperator": (
        mapped(
            "the service that is called",
            *SERVICES,
            id=mapped("its topic", term="topic", read=literal),
            resultVariable=mapped("the variable for its answer", term="result_variable", read=literal),
        ),
    ),
    "unitTests": (harmless("They are run by the modeler."),),
    "properties": (harmless("They tell the modeler what to show."),),
}
SPIFFWORKFLOW = Dialect("SpiffWorkflow", "spiffworkflow", SPIFF, {}, ELEMENTS, unknown=Effect.CHANGE)
