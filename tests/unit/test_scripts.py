"""Scripts of other engines in Python."""

from __future__ import annotations

import ast
import random

import pytest

from engine.bpmn import scripts, texts
from engine.bpmn.translation import Untranslatable


@pytest.mark.parametrize(
    ("script", "python"),
    [
        ("execution.setVariable('x', 1 + 2);", "(x := 1 + 2)"),
        ("def a = execution.getVariable('amount')", "_a = amount"),
        ("var a = 1; // one\nvar b = a + 1\nexecution.setVariable('b', b)", "_a = 1\n_b = _a + 1\n(b := _b)"),
        ("println(amount)", "log(amount)"),
        ("java.lang.System.out.println('Hello ' + name);", "log('Hello ' + str(name))"),
        ("'a' + n + 1", "'a' + str(n) + str(1)"),
        (
            "throw new org.camunda.bpm.engine.delegate.BpmnError('late', 'too late')",
            "raise BpmnError('late', 'too late')",
        ),
        ("/* nothing */", "pass"),
        ("execution.setVariable('l', [1, 'b'])", "(l := [1, 'b'])"),
        ("x = x + 1", "_x = x + 1"),
    ],
)
def test_plain_javascript_and_groovy_become_python(script: str, python: str) -> None:
    assert scripts.python("JavaScript", script) == python


def test_branches_become_python() -> None:
    script = "var a = 0; if (x === 1) { a = 'one' } else if (!y) a = 'two'; else { print(a) }"

    lines = ["_a = 0", "if x == 1:", "    _a = 'one'", "else:", "    if not y:", "        _a = 'two'"]
    assert scripts.python("Groovy", script).splitlines() == [*lines, "    else:", "        log(_a)"]


def test_the_last_value_is_the_result() -> None:
    assert scripts.python("JavaScript", "var a = 2;\na * 3;", "x") == "_a = 2\nx = _a * 3"
    assert scripts.python("JUEL", "${a * 3}", "x") == "x = a * 3"


@pytest.mark.parametrize(
    ("script", "offset", "words"),
    [
        ("var x = new java.util.Date();", 8, "reserved"),
        ("for (i = 0; i < 3; i++) { }", 0, "for"),
        ("x = 1;\nservice.call(x)", 15, "call()"),
        ("a b", 2, "statement to end"),
        ("if (a) { b = 1 }", 9, "before the if"),
        ("if (a) {", 8, "closes"),
        ("throw 'late'", 6, "new"),
        ("throw new Error('late')", 10, "BpmnError"),
        ("execution.setVariable(name, 1)", 10, "plain text"),
        ("execution.setVariable('a b', 1)", 10, "plain text"),
        ("execution.setVariable('a')", 10, "value only"),
        ("execution.getVariable('a', 1)", 10, "value only"),
        ("x = `a`", 4, "Expected an expression"),
        ("if (a) " * 200 + "b", 112, "blocks"),
        ("(" * 10_000, 41, "brackets"),
        ("x" * 20_000, 0, "characters"),
    ],
)
def test_what_is_not_plain_is_refused_with_its_place(script: str, offset: int, words: str) -> None:
    with pytest.raises(Untranslatable) as caught:
        scripts.python("JavaScript", script)

    assert words in caught.value.message
    assert caught.value.offset == offset


PARTS = (
    *"ab1().[]{},;=!+-*/%<>?:`@\n ",
    *(" 'x' ", " 2.5 ", "==", "===", "&&", "||", "..", "**", " if ", " else ", " then ", " for ", " in ", " return "),
    *(" some ", " satisfies ", " between ", " and ", " not ", " var ", " throw ", " new ", "execution", "setVariable"),
    *("print", " empty ", "substring", "string length", " null ", " lambda ", "\\", " 1e999 "),
)


def test_whatever_is_written_becomes_python_or_is_refused() -> None:
    chance = random.Random(7)
    readers = (
        lambda text: texts.expression(f"={text}"),
        lambda text: texts.value(f"a ${{{text}}} b"),
        lambda text: scripts.effect(f"${{{text}}}"),
        lambda text: scripts.python("JavaScript", text, "r"),
    )
    translated = 0
    for _ in range(3_000):
        text = "".join(chance.choices(PARTS, k=chance.randint(1, 12)))
        for read in readers:
            try:
                source = read(text)
            except Untranslatable as refused:
                assert 0 <= refused.offset <= len(text) + 5
            else:
                ast.parse(source)
                translated += 1
    assert translated > 100
