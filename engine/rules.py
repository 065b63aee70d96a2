"""The rules that uploads are checked by, in words: what each demands, why, a wrong and a right example."""

from engine.bpmn.check.rules import GROUPS, Example, Part, Rule, every, find

__all__ = ["GROUPS", "Example", "Part", "Rule", "every", "find"]
