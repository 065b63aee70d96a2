"""Conditions, scripts, mappings and expressions in attributes: the rule, the element, and the line and column in it."""

from __future__ import annotations

import time

import pytest

from engine.bpmn.check.python import fault_of_script
from engine.model.problems import Place, Problem, Severity
from tests.unit.drawing import END, HERE, START, accepted, between, chain, problems, process, refused


def conditional(text: str, attributes: str = "") -> str:
    """A task with a conditional flow, whose condition begins in line 7, column 22 (with attributes: later)."""
    condition = f"<conditionExpression{attributes}>{text}</conditionExpression>{HERE}"
    task = f'<manualTask id="n" default="n-end"/>{chain("start", "n", "end")}<endEvent id="e"/>'
    return f'{START}{END}{task}<sequenceFlow id="f" sourceRef="n" targetRef="e">\n{condition}</sequenceFlow>'


def script(text: str, attributes: str = "") -> str:
    return between(f'<scriptTask id="n"{attributes}>{HERE}<script>{text}</script></scriptTask>')


def mapped(parameter: str) -> str:
    mapping = f"<camunda:inputOutput>\n{parameter}{HERE}</camunda:inputOutput>"
    return between(f'<manualTask id="n"><extensionElements>{mapping}</extensionElements></manualTask>')


# ---- conditions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "offset", "words"),
    [
        ("amount = 1000", 7, "Compare with ==."),
        ("  amount = 1000", 9, "Compare with ==."),
        ("amount == 1 &amp;&amp; x", 12, "Write and."),
        ("a || b", 2, "Write or."),
        ("!a", 0, "Write not."),
        ("a === b", 2, "Write ==."),
        ("a => 3", 2, "Write >=."),
        ("a == true", 5, "Write True."),
        ("a AND b", 2, "small letters"),
        ("a == “x”", 5, "straight quotes"),
        ("Customer Level == 3", 0, "no spaces: write customer_level."),
        ("a &gt;", 2, "missing behind >"),
        ("=a > 3 %", 7, "modulo"),
        ("${a.stream() > 3}", 4, "stream()"),
        ("${a", 0, "closes"),
        ("${a} > 3", 4, "one ${...}"),
        ("amount is greater than 3", 7, "Write >."),
        ("amount equals 3", 7, "Write ==."),
        ("amount at least 3", 7, "amount > 1000"),
        ("execution.getVariable('a')", 0, "by its name"),
        ("${" + " || ".join(["a"] * 1_900) + "}", 0, "too many parts"),
        ("${" + " + ".join(["a"] * 1_900) + "}", 0, "in one another"),
        ("${a" + ".b" * 1_900 + "}", 0, "in one another"),
    ],
)
def test_a_condition_that_is_not_python_says_where_and_why(text: str, offset: int, words: str) -> None:
    problem = refused("condition-syntax", "f", conditional(text))

    assert words in f"{problem.message} {problem.fix}"
    assert problem.place == Place("a.bpmn", 7, 22 + offset)


@pytest.mark.parametrize(
    "text", ["x", "${x > 3}", "#{x}", "\n  x &gt; 3\n  and y\n", "<![CDATA[ x < 3 ]]>", "x != None"]
)
def test_conditions_that_are_understood_pass(text: str) -> None:
    accepted(conditional(text).replace(HERE, ""))


def test_a_condition_over_several_lines_is_placed_in_its_line() -> None:
    (problem,) = problems(process(conditional("a\n  and b == true")))

    assert problem.place == Place("a.bpmn", 8, 12)


@pytest.mark.parametrize(
    "attribute",
    [f'camunda:assignee="${{a{".b" * 1_900}}}"', f'camunda:assignee="ana" camunda:dueDate="{"${a}" * 1_000}"'],
)
def test_attributes_are_parsed_as_they_are_translated(attribute: str) -> None:
    refused("expression-syntax", "n", between(f'\n<userTask id="n" {attribute}>{HERE}</userTask>'))


@pytest.mark.parametrize(
    ("attribute", "rule", "words"),
    [
        ('camunda:dueDate="tomorrow"', "timer-invalid", "P3D"),
        ('camunda:followUpDate="P7974Y"', "timer-invalid", "thousand years"),
        ("camunda:dueDate=\"${'soon'}\"", "timer-invalid", "a date such as"),
        ('camunda:dueDate="${a"', "expression-syntax", "closes"),
        ('camunda:priority="99999999999"', "expression-syntax", "nine digits"),
    ],
)
def test_attributes_that_are_known_at_upload_make_sense(attribute: str, rule: str, words: str) -> None:
    node = f'\n<userTask id="n" camunda:assignee="ana" {attribute}>{HERE}</userTask>'
    problem = refused(rule, "n", between(node))

    assert words in f"{problem.message} {problem.fix}"
    assert problem.message.startswith(attribute.partition("=")[0].removeprefix("camunda:") + ": ")


@pytest.mark.parametrize("language", ["ruby", "http://www.w3.org/1999/XPath"])
def test_conditions_are_written_in_python(language: str) -> None:
    refused("script-language", "f", conditional("x", f' language="{language}"'))


# ---- scripts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["", "python", "Python", "text/python", "application/python"])
def test_scripts_are_written_in_python(language: str) -> None:
    attributes = f' scriptFormat="{language}"' if language else ""

    accepted(script("x = 1\nif x:\n    y = x\n", attributes).replace(HERE, ""))


@pytest.mark.parametrize("language", ["ruby", "application/feel"])
def test_scripts_in_other_languages_are_refused(language: str) -> None:
    refused("script-language", "n", script("x = 1", f' scriptFormat="{language}"'))


def test_a_script_task_has_a_script() -> None:
    refused("script-empty", "n", script("\n  "))


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("x == = 1", 7, 33, "This is not Python: = 1"),
        ("\n    x = 1\n    y = (2\n", 9, 9, "never closed"),
        ("\n    x = 1\n    y = null\n", 9, 9, "Write None."),
        ("\n    var x = 1;", 8, 5, "Python"),
        ("\n    x = 1\n    del x", 9, 5, "the 'del' statement"),
        ("\n    def f():\n        yield 1", 9, 9, "yield"),
    ],
)
def test_a_script_that_is_not_python_says_where_and_why(text: str, line: int, column: int, words: str) -> None:
    content = between(f'<scriptTask id="n"><script>{text}</script></scriptTask>')

    (problem,) = problems(process(content))

    assert (problem.rule, problem.element_id) == ("script-syntax", "n")
    assert words in f"{problem.message} {problem.fix}"
    assert (problem.place.line, problem.place.column) == (line, column)


def test_a_huge_script_is_refused() -> None:
    assert "50,000" in refused("script-syntax", "n", script("x = 1\n" * 10_000)).message


def test_a_script_that_attacks_the_parser_is_refused() -> None:
    for text in ("(" * 10_000, "-" * 10_000 + "1", "x" + ".y" * 10_000, "not " * 10_000 + "x"):
        refused("script-syntax", "n", script(text))


# ---- mappings and attributes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "parameter"),
    [
        ("mapping-name", '<camunda:inputParameter name="a b">1</camunda:inputParameter>'),
        ("mapping-name", "<camunda:outputParameter>1</camunda:outputParameter>"),
        ("expression-syntax", '<camunda:inputParameter name="a">${b(}</camunda:inputParameter>'),
        (
            "expression-syntax",
            '<camunda:inputParameter name="a"><camunda:script scriptFormat="groovy"/></camunda:inputParameter>',
        ),
        (
            "expression-syntax",
            '<camunda:inputParameter name="a"><camunda:script>x = 1</camunda:script></camunda:inputParameter>',
        ),
        (
            "expression-syntax",
            '<camunda:inputParameter name="a"><camunda:connector/></camunda:inputParameter>',
        ),
    ],
)
def test_mappings_are_understood(rule: str, parameter: str) -> None:
    refused(rule, "n", mapped(parameter))


@pytest.mark.parametrize(
    ("attribute", "column"),
    [
        ('camunda:assignee="${a.b()}"', 40),
        ('camunda:assignee="ana" camunda:priority="high"', 59),
        ('camunda:assignee="ana" camunda:dueDate="${"', 58),
    ],
)
def test_expressions_in_attributes_are_understood(attribute: str, column: int) -> None:
    problem = refused("expression-syntax", "n", between(f'<userTask id="n" {attribute}/>{HERE}'))

    assert problem.place.column == column


def test_the_expressions_of_roles_are_understood() -> None:
    formal = "<formalExpression>${a(}</formalExpression>"
    role = f"<resourceAssignmentExpression>{formal}</resourceAssignmentExpression>"

    refused(
        "expression-syntax", "n", between(f'<userTask id="n"><humanPerformer>{role}{HERE}</humanPerformer></userTask>')
    )


def test_a_role_names_a_resource_of_the_file() -> None:
    role = f"<potentialOwner><resourceRef>nobody</resourceRef>{HERE}</potentialOwner>"

    refused("unresolved-ref", "n", between(f'<userTask id="n">{role}</userTask>'))


def test_the_expressions_of_loops_are_understood() -> None:
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>3 +</loopCardinality></multiInstanceLoopCharacteristics>"

    refused("expression-syntax", "n", between(f'<manualTask id="n">{loop}</manualTask>{HERE}'))


@pytest.mark.parametrize(
    "text", ["?" * 49_000, "? " * 24_000, "if a:\n b\n" + "elif a:\n b\n" * 4_000, "a + " * 12_000]
)
def test_what_is_wrong_with_a_long_script_is_found_in_no_time(text: str) -> None:
    began = time.thread_time()

    assert fault_of_script(text)
    assert time.thread_time() - began < 0.7


# ---- the language of a whole file ----------------------------------------------------------------------------------


def in_language(language: str, content: str) -> list[Problem]:
    return problems(process(content).replace("<definitions ", f'<definitions expressionLanguage="{language}" '))


@pytest.mark.parametrize("language", ["https://www.omg.org/spec/DMN/20191111/FEEL/", "http://groovy.codehaus.org/"])
def test_expressions_of_a_file_in_another_language_are_told_of(language: str) -> None:
    (problem,) = in_language(language, conditional("amount > 3"))

    assert (problem.rule, problem.severity, problem.place.line) == ("script-language", Severity.WARNING, 1)
    assert language in problem.message


@pytest.mark.parametrize("language", ["http://www.w3.org/1999/XPath", "python", "http://www.w3.org/1999/xhtml"])
def test_what_modelers_write_into_every_file_is_not_told_of(language: str) -> None:
    assert in_language(language, conditional("amount > 3")) == []


def test_a_language_that_no_expression_uses_is_not_told_of() -> None:
    assert in_language("http://groovy.codehaus.org/", between('<manualTask id="n"/>')) == []
