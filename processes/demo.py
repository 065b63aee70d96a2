"""What a demonstration starts with: people with fixed passwords, and the files of the examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.model import Role

PASSWORD = "procession-demo"
"""Known to everybody: demonstration data is made on request only, never on a server that others reach."""


@dataclass(frozen=True, slots=True)
class DemoAccount:
    id: str
    name: str
    roles: tuple[Role, ...] = ()
    groups: tuple[str, ...] = ()
    password: str = PASSWORD


ACCOUNTS = (
    DemoAccount("ana", "Ana Silva", (Role.ANALYST,), ("clerks", "hr")),
    DemoAccount("ben", "Ben Okafor", (Role.APPROVER,), ("managers", "team-leads")),
    DemoAccount("cleo", "Cleo Martin", (Role.APPROVER,), ("finance", "reviewers")),
    DemoAccount("dora", "Dora Lind", (Role.APPROVER,), ("directors",)),
    DemoAccount("eve", "Eve Novak", (Role.APPROVER,)),
    DemoAccount("root", "Root Admin", (Role.ADMIN,)),
)

EXAMPLES = ("employee_onboarding", "payment", "document_pipeline", "purchase_approval")
SERVICES = tuple(f"processes.{example}.services" for example in EXAMPLES)
"""Modules to import so that the service tasks of the examples find their functions."""

_DEPLOYED = {".bpmn", ".form"}


def files(example: str) -> dict[str, bytes]:
    """The diagrams and forms of one example by file name, as an upload takes them."""
    folder = Path(__file__).parent / example
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in _DEPLOYED}
