"""Extensions of Camunda 7 and other tools: executed, refused, or of no consequence."""

from __future__ import annotations

import pytest

from engine.model.problems import Severity
from tests.unit.drawing import HERE, accepted, between, refused


def extended(extension: str) -> str:
    holder = f"<extensionElements>\n{extension}{HERE}</extensionElements>"
    return between(f'<manualTask id="n">{holder}</manualTask>')


@pytest.mark.parametrize("name", ["executionListener", "taskListener", "connector", "field", "formProperty"])
def test_extensions_that_act_are_refused(name: str) -> None:
    assert refused("unsupported-element", "n", extended(f"<camunda:{name}/>")).fix


def test_extensions_that_only_tell_pass() -> None:
    accepted(extended('<camunda:properties><camunda:property name="a" value="b"/></camunda:properties>'))


def test_extensions_that_are_ignored_are_worth_a_warning() -> None:
    retries = "<camunda:failedJobRetryTimeCycle>R3/PT1M</camunda:failedJobRetryTimeCycle>"

    refused("ignored-attribute", "n", extended(retries), severity=Severity.WARNING)


@pytest.mark.parametrize("attribute", ["asyncBefore", "asyncAfter", "exclusive", "jobPriority", "modelerTemplate"])
def test_attributes_that_change_nothing_pass(attribute: str) -> None:
    accepted(between(f'<manualTask id="n" camunda:{attribute}="true"/>'))


@pytest.mark.parametrize("attribute", ["assignee", "formKey", "topic", "future"])
def test_attributes_out_of_place_are_worth_a_warning(attribute: str) -> None:
    node = f'<manualTask id="n" camunda:{attribute}="x"/>{HERE}'

    refused("ignored-attribute", "n", between(node), severity=Severity.WARNING)


@pytest.mark.parametrize(
    ("namespace", "tool"),
    [
        ("http://camunda.org/schema/zeebe/1.0", "Camunda 8"),
        ("http://activiti.org/bpmn", "Activiti"),
        ("http://flowable.org/bpmn", "Flowable"),
        ("http://spiffworkflow.org/bpmn/schema/1.0/core", "SpiffWorkflow"),
    ],
)
def test_extensions_of_other_tools_are_refused_once_for_each_element(namespace: str, tool: str) -> None:
    extensions = '<extensionElements><o:taskDefinition type="t"/><o:ioMapping/><o:ioMapping/></extensionElements>'
    node = f'<serviceTask id="n" o:assignee="x" xmlns:o="{namespace}">{HERE}{extensions}</serviceTask>'

    assert (
        f"of {tool} are not executed: assignee, taskDefinition, ioMapping."
        in refused("unsupported-element", "n", between(node)).message
    )


def test_the_result_of_a_script_is_set_in_the_script() -> None:
    node = f'<scriptTask id="n" camunda:resultVariable="x">{HERE}<script>1</script></scriptTask>'

    assert "in the script" in refused("unsupported-element", "n", between(node)).fix
