"""Where the form of a user task or start event comes from: a file, camunda:formData, or nothing drawn."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from engine.bpmn.forms.choices import Choice, from_choices
from engine.bpmn.forms.files import FormFiles, wanted_name
from engine.errors import NotFound
from engine.model.forms import Form


@dataclass(frozen=True)
class FormSource:
    """A key wins over form data, and that over what is made from nothing."""

    key: str | None = None
    data: Form | None = None
    choices: tuple[Choice, ...] = ()
    """The flows of the gateway behind the task."""
    names: tuple[str, ...] = ()
    """What their conditions read."""
    choice_variable: str = ""
    files: FormFiles = field(default_factory=FormFiles, repr=False, compare=False)
    """Deployed together with the diagram."""

    @property
    def is_drawn(self) -> bool:
        """Whether somebody made the form; otherwise it is made from nothing."""
        return self.key is not None or self.data is not None

    @cached_property
    def form(self) -> Form:
        """Made when it is asked for first. Raises NotFound when its file was not deployed with the diagram.

        A drawn form that does not ask for what decides at the gateway behind the task gets the gateway's buttons.
        """
        made = from_choices(self.names, self.choices, self.choice_variable)
        if not self.is_drawn:
            return made
        drawn = self._drawn()
        decided = {key for button in made.buttons for key in button.values}
        asked = {field.key for field in drawn.fields}
        return drawn if drawn.buttons or decided & asked else replace(drawn, buttons=made.buttons)

    def _drawn(self) -> Form:
        if self.key is None:
            return self.data or Form()
        found = self.files.get(self.key)
        if found is None:
            message = f'Expected a form "{wanted_name(self.key)}" to be deployed with the diagram, but there is none.'
            raise NotFound(f"{message} Upload both together.")
        return found
