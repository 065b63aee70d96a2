"""Extensions of Camunda 7 and other tools: executed, refused, or of no consequence."""

from __future__ import annotations

import pytest

from engine.model.problems import Severity
from tests.unit.drawing import HERE, accepted, between, process, refused, refused_file

HTTP = "<camunda:connectorId>http-connector</camunda:connectorId>"


def inputs(**told: str) -> str:
    given = (f'<camunda:inputParameter name="{name}">{text}</camunda:inputParameter>' for name, text in told.items())
    return f"<camunda:inputOutput>{''.join(given)}</camunda:inputOutput>"


def extended(extension: str) -> str:
    holder = f"<extensionElements>\n{extension}{HERE}</extensionElements>"
    return between(f'<manualTask id="n">{holder}</manualTask>')


@pytest.mark.parametrize("name", ["taskListener", "field", "errorEventDefinition"])
def test_extensions_that_act_are_refused(name: str) -> None:
    assert refused("unsupported-element", "n", extended(f"<camunda:{name}/>")).fix


@pytest.mark.parametrize(
    ("listener", "rule", "words"),
    [
        ('event="start" class="com.example.Audit"', "unsupported-element", "class"),
        ('event="start"', "script-syntax", "Expected a script"),
        ('event="take" expression="${a}"', "script-syntax", '"take"'),
        ('event="end" expression="${audit.log(a)}"', "script-syntax", "log()"),
    ],
)
def test_listeners_that_are_not_plain_are_refused(listener: str, rule: str, words: str) -> None:
    assert words in refused(rule, "n", extended(f"<camunda:executionListener {listener}/>")).message


def test_a_plain_listener_passes() -> None:
    script = '<camunda:script scriptFormat="javascript">execution.setVariable("a", 1)</camunda:script>'

    accepted(extended(f'<camunda:executionListener event="end">{script}</camunda:executionListener>').replace(HERE, ""))


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


def test_a_word_of_a_tool_that_is_not_known_is_refused_where_it_stands() -> None:
    spiff = 'xmlns:o="http://spiffworkflow.org/bpmn/schema/1.0/core"'
    node = f'<manualTask id="n" {spiff}><extensionElements>\n<o:future/>{HERE}</extensionElements></manualTask>'

    assert "spiffworkflow:future" in refused("unsupported-element", "n", between(node)).message


@pytest.mark.parametrize("namespace", ["http://activiti.org/bpmn", "http://flowable.org/bpmn"])
def test_tools_that_share_a_language_are_read_alike(namespace: str) -> None:
    node = f'<userTask id="n" xmlns:o="{namespace}" o:assignee="ana" o:dueDate="soon"/>{HERE}'

    problem = refused("timer-invalid", "n", between(node))
    assert "dueDate" in problem.message
    assert problem.place.column == node.index("soon") + 1


def test_a_diagram_of_activiti_runs_though_it_does_not_say_so() -> None:
    text = process(between('<manualTask id="n" xmlns:o="http://activiti.org/bpmn"/>'))
    text = text.replace('<process id="p" isExecutable="true">', f'<process id="p">{HERE}')
    text = text.replace("<definitions ", '<definitions xmlns:activiti="http://activiti.org/bpmn" ')

    assert "Activiti" in refused_file("not-executable", "p", text, severity=Severity.WARNING).message


def test_a_script_in_python_may_give_its_last_value() -> None:
    accepted(between('<scriptTask id="n" camunda:resultVariable="x"><script>y = 1\ny + 1</script></scriptTask>'))


def test_a_script_without_a_value_has_no_result() -> None:
    node = f'<scriptTask id="n" camunda:resultVariable="x">{HERE}<script>y = 1</script></scriptTask>'

    assert "last line" in refused("script-syntax", "n", between(node)).message


@pytest.mark.parametrize("kind", ["message", "signal"])
def test_names_are_no_expressions(kind: str) -> None:
    text = process(between('<manualTask id="n"/>'))
    named = f'<{kind} id="x" name="of-${{order}}"/>{HERE}\n'

    refused_file("unsupported-element", "x", text.replace("<process", f"{named}<process"))


@pytest.mark.parametrize(
    ("connector", "words"),
    [
        ("<camunda:connectorId>soap-http-connector</camunda:connectorId>", "soap-http-connector"),
        (f"{HTTP}<camunda:inputOutput/>", "no url"),
        (f"{HTTP}{inputs(url='http://a', body='b')}", "body"),
        (f"{HTTP}{inputs(url='http://a', method='${m}')}", "plain text"),
        (f"{HTTP}{inputs(url='http://a', method='SEND')}", "SEND"),
        (f"{HTTP}{inputs(url='${a.b()}')}", "b()"),
    ],
)
def test_connectors_that_are_not_plain_are_refused(connector: str, words: str) -> None:
    node = (
        f'<serviceTask id="n"><extensionElements>\n<camunda:connector>{HERE}{connector}</camunda:connector>'
        "</extensionElements></serviceTask>"
    )

    assert words in refused("http-call", "n", between(node)).message


def test_a_word_that_is_misspelt_is_told_with_the_one_that_may_be_meant() -> None:
    drawn = f'<userTask id="n" camunda:candidateGroups="clerks" camunda:asignee="ana"/>{HERE}'

    problem = refused("ignored-attribute", "n", between(drawn), severity=Severity.WARNING)

    assert problem.fix == 'Did you mean "camunda:assignee"?'
