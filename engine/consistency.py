"""Whether what diagrams name is there: the processes that they call, the people and groups whose work it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Select, select

from engine.bpmn.check.outside import Kind, absent, named
from engine.bpmn.document import Document
from engine.model.problems import Problem
from engine.storage.tables import AccountRow, DefinitionRow, MembershipRow
from engine.transaction import Transaction

_KNOWN: Mapping[Kind, Select[Any]] = {
    Kind.PROCESS: select(DefinitionRow.key).where(DefinitionRow.is_latest),
    Kind.USER: select(AccountRow.id).where(AccountRow.is_active),
    Kind.GROUP: select(MembershipRow.group).distinct(),
}


def problems(tx: Transaction, documents: Iterable[Document]) -> Iterator[Problem]:
    """Warnings about documents that are deployed: each name that is nowhere, once for each element.

    Where no accounts are kept here, people come from elsewhere and are not looked for.
    """
    known = {kind: frozenset(tx.session.scalars(query)) for kind, query in _KNOWN.items()}
    kinds = set(Kind) if known[Kind.USER] else {Kind.PROCESS}
    for document in documents:
        for each in named(document):
            if each.kind in kinds and each.name not in known[each.kind]:
                yield absent(document, each, known[each.kind])
