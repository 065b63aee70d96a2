"""Form sources -> one Form value, and the server's check of what a person filled in.

A form is a form-js file beside the diagram, camunda:formData in it, or made from nothing: from what the exclusive
gateway behind the task asks.
"""

from engine.bpmn.forms.choices import Choice, from_choices, from_names, implied_condition, is_drawn_choice, is_merge
from engine.bpmn.forms.drawn import Circumstances
from engine.bpmn.forms.files import ENDINGS, FormFiles, embedded, is_elsewhere, is_form, wanted_name
from engine.bpmn.forms.form_data import faults_of_form_data, from_form_data
from engine.bpmn.forms.form_js import form_id, from_form_js
from engine.bpmn.forms.source import FormSource
from engine.bpmn.forms.values import checked

__all__ = [
    "ENDINGS",
    "Choice",
    "Circumstances",
    "FormFiles",
    "FormSource",
    "checked",
    "embedded",
    "faults_of_form_data",
    "form_id",
    "from_choices",
    "from_form_data",
    "from_form_js",
    "from_names",
    "implied_condition",
    "is_drawn_choice",
    "is_elsewhere",
    "is_form",
    "is_merge",
    "wanted_name",
]
