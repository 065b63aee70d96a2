"""What a demonstration starts with: people with fixed passwords, and the files of the examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine import Role, Service

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

_OUTSIDE = ("payments", "shop", "identity", "crm", "mail", "equipment", "documents", "budget", "suppliers")
DOCUMENTS_AT_ONCE = 10
"""However long a batch is, the service of documents is not asked for more at one time."""


def services_at(address: str) -> tuple[Service, ...]:
    """What the diagrams call by HTTP, as administrators would set it up; address: of the demo services."""
    most = {"documents": DOCUMENTS_AT_ONCE}
    return tuple(Service(name, f"{address}/{name}", most_at_once=most.get(name)) for name in _OUTSIDE)


_DEPLOYED = {".bpmn", ".form"}


def files(example: str) -> dict[str, bytes]:
    """The diagrams and forms of one example by file name, as an upload takes them."""
    folder = Path(__file__).parent / example
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in _DEPLOYED}
