"""JUEL, the expression language of Camunda 7 (inside ${...}) -> Python source, for what has one plain meaning.

Names, literals, operators, comparison, logic, ? :, properties, indexes and a few methods are translated.
"""

from __future__ import annotations

from dataclasses import replace

from engine.bpmn.translation import JAVA_METHODS, JAVA_OBJECTS, Language, Translation, Untranslatable, tokens

__all__ = ["LANGUAGE", "Untranslatable", "python"]

_BINARY = (
    {"||": "or", "or": "or"},
    {"&&": "and", "and": "and"},
    {"==": "==", "eq": "==", "!=": "!=", "ne": "!="},
    {"<": "<", "lt": "<", ">": ">", "gt": ">", "<=": "<=", "le": "<=", ">=": ">=", "ge": ">="},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/", "div": "/", "%": "%", "mod": "%"},
)
_UNARY = {
    "!": "not {}".format,
    "not": "not {}".format,
    "-": "-{}".format,
    "empty": '{} in (None, "", [], {{}})'.format,
}
LANGUAGE = Language(
    name="JUEL",
    binary=_BINARY,
    chains=frozenset({0, 1, 4, 5}),
    unary=_UNARY,
    literals={"true": "True", "false": "False", "null": "None"},
    methods=JAVA_METHODS,
    reserved=frozenset({"instanceof"} | {word for words in (*_BINARY, _UNARY) for word in words if word.isalpha()}),
    objects=JAVA_OBJECTS,
    hints={
        "=": "A single = sets a value; compare with ==.",
        "&": "Write && or and.",
        "|": "Write || or or.",
        ";": "Write one expression only.",
        "{": "Maps and nested ${...} are not translated.",
    },
)


_EFFECT = replace(LANGUAGE, sets_variables=True)


def effect(text: str, start: int = 0) -> str:
    """The same for what is evaluated for what it does: it may set a variable. Raises Untranslatable."""
    return Translation(_EFFECT, tokens(_EFFECT, text, start), start + len(text)).whole().text


def python(text: str, start: int = 0) -> str:
    """Translate the inside of ${...}; start is where it begins in the whole text. Raises Untranslatable."""
    return Translation(LANGUAGE, tokens(LANGUAGE, text, start), start + len(text)).whole().text
