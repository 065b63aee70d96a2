"""The rules that uploads are checked by, in words: what each demands, why, a wrong and a right example."""

from engine.bpmn.check.rules import GROUPS, TABLES, Example, Part, Rule, every, find, read

__all__ = ["GROUPS", "TABLES", "Example", "Part", "Rule", "every", "find", "read"]
