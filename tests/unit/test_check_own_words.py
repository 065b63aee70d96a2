"""Words of our own namespace that nobody knows, or not there."""

from __future__ import annotations

import pytest

from engine.bpmn.nodes import OWN
from tests.unit.drawing import HERE, accepted, between, process, refused_file


def test_other_words_of_ours_are_refused() -> None:
    task = f'<manualTask id="n" xmlns:procession="{OWN}" procession:correlationKey="x"/>{HERE}'

    refused_file("unsupported-element", "n", process(between(task)))
    accepted(between('<manualTask id="n"/>'))


@pytest.mark.parametrize("inner", ["<procession:later/>", '<x:y xmlns:x="urn:x" procession:later="1"/>'])
def test_words_of_ours_inside_extensions_are_refused(inner: str) -> None:
    task = f'<manualTask id="n" xmlns:procession="{OWN}"><extensionElements>\n{inner}{HERE}</extensionElements>'

    refused_file("unsupported-element", "n", process(between(f"{task}</manualTask>")))
