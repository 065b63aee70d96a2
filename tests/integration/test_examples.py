"""Each example in processes/ runs to each of its ends, through its forms, as its guide says."""

from __future__ import annotations

import importlib
import secrets
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest

from engine import Actor, Engine, SettableClock, definitions, incidents, instances, progress, user_tasks
from engine.errors import Forbidden, InvalidValues
from engine.model import Json
from engine.model.people import RIGHTS
from engine.model.processes import InstanceStatus
from engine.model.tasks import UserTask
from engine.services import catalog
from processes import demo
from tests import outside
from tests.outside import Outside

CAST = {
    account.id: Actor(
        account.id,
        groups=frozenset(account.groups),
        rights=frozenset().union(*(RIGHTS[role] for role in account.roles)),
    )
    for account in demo.ACCOUNTS
}
ROOT = CAST["root"]
END_EVENT = "{http://www.omg.org/spec/BPMN/20100524/MODEL}endEvent"


@dataclass
class Story:
    """One instance, and the people who work on it."""

    engine: Engine
    clock: SettableClock
    outside: Outside
    instance_id: int = 0

    def start(self, key: str, person: str, **values: Json) -> Story:
        with self.engine.transaction(CAST[person]) as tx:
            definition = next(one for one in definitions.startable(tx) if one.key == key)
            self.instance_id = instances.start_by_form(tx, definition.id, values).id
        self.engine.run_until_idle()
        return self

    def wait(self, **units: float) -> None:
        self.clock.advance(**units)
        self.engine.run_until_idle()

    def tasks(self, person: str) -> list[UserTask]:
        with self.engine.reading(CAST[person]) as tx:
            return [task for task in user_tasks.inbox(tx).rows if task.instance_id == self.instance_id]

    def inbox(self, person: str) -> list[str]:
        return sorted(task.name for task in self.tasks(person))

    def complete(self, person: str, name: str, **values: Json) -> None:
        """Finish the first task of that name, claiming it when nobody has it."""
        self._complete(person, name, values)

    def press(self, person: str, name: str, button: str) -> None:
        self._complete(person, name, {}, button=button)

    def _complete(self, person: str, name: str, values: Mapping[str, Json], button: str | None = None) -> None:
        task = next(task for task in self.tasks(person) if task.name == name)
        with self.engine.transaction(CAST[person]) as tx:
            if task.assignee is None:
                user_tasks.claim(tx, task.id)
            labels = [each.label for each in user_tasks.form(tx, task.id)[0].buttons]
            pressed = None if button is None else labels.index(button)
            user_tasks.complete(tx, task.id, values, button=pressed)
        self.engine.run_until_idle()

    @property
    def end(self) -> tuple[InstanceStatus, str]:
        """How the instance stands, and the name of the end event it came to last."""
        with self.engine.reading(ROOT) as tx:
            status = instances.get(tx, self.instance_id).status
            visits = progress.activities(tx, self.instance_id, limit=500).rows
        return status, next((visit.element_name for visit in visits if visit.element_type == "endEvent"), "")

    @property
    def done(self) -> list[str]:
        """What the services did for this payment, oldest first."""
        return [act for act in self.outside.acts(str(self["reference"])) if act != "asked to settle"]

    def visits(self, name: str) -> int:
        with self.engine.reading(ROOT) as tx:
            rows = progress.activities(tx, self.instance_id, limit=500).rows
        return sum(visit.element_name == name for visit in rows)

    def __getitem__(self, name: str) -> Json:
        with self.engine.reading(ROOT) as tx:
            found = {variable.name: variable.value for variable in instances.variables(tx, self.instance_id)}
        return found[name]


@pytest.fixture(scope="module")
def demo_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    with outside.serving(tmp_path_factory.mktemp("outside") / "ledger.db") as found:
        yield found


@pytest.fixture
def story(engine: Engine, clock: SettableClock, demo_services: Outside) -> Story:
    """A story yet to begin, where all examples are deployed and all services are well."""
    demo_services.switch("all", off=True)
    engine.settings = replace(engine.settings, http_private=("127.0.0.0/8",), circuit_failures=100)
    for module in demo.SERVICES:
        importlib.import_module(module)
    with engine.transaction(ROOT) as tx:
        for service in demo.services_at(demo_services.address):
            catalog.put(tx, service)
        for example in demo.EXAMPLES:
            definitions.deploy(tx, demo.files(example))
    return Story(engine, clock, demo_services)


def completed(end: str) -> tuple[InstanceStatus, str]:
    return InstanceStatus.COMPLETED, end


# ---- employee onboarding -------------------------------------------------------------------------------------------

NEW_HIRE = {
    "employee_name": "Mia Holm",
    "private_email": "mia@example.org",
    "identity_document": "AB123456",
    "start_date": "2026-02-02",
    "department": "sales",
    "manager": "ben",
    "equipment": ["laptop", "badge"],
    "budget": 500,
}


def hire(story: Story, **changes: Json) -> Story:
    return story.start("employee-onboarding", "ana", **{**NEW_HIRE, **changes})


def approve(story: Story) -> None:
    """What is ordered then is packed after a while."""
    story.complete("ben", "Approve equipment and budget", equipment_decision="approve")
    for _ in range(3):
        story.wait(seconds=3)


def test_a_new_hire_is_onboarded_once_the_manager_approves(story: Story) -> None:
    hire(story)

    assert story.inbox("ben") == ["Approve equipment and budget"]
    assert story.inbox("dora") == []
    due = story.tasks("ben")[0].due_at
    assert due is not None and due.date().isoformat() == "2026-02-02"
    approve(story)

    assert story.end == completed("Onboarded")
    assert (story["mailbox"], story["welcomed_at"]) == ("mia.holm@example.com", "mia@example.org")
    assert story.outside.acts(str(story["crm_record"])) == ["customer created"]
    assert story.outside.acts(str(story["equipment_order"])) == ["equipment ordered"]


@pytest.mark.parametrize(
    ("changes", "end"),
    [({"budget": 60}, "Equipment refused"), ({"private_email": "mia@example.test"}, "Not reached")],
)
def test_a_late_refusal_undoes_what_was_made(story: Story, changes: dict[str, Json], end: str) -> None:
    hire(story, employee_name=f"Mia {end}", **changes)
    approve(story)

    assert story.end == completed(end)
    assert story.outside.acts(str(story["crm_record"])) == ["customer created", "customer deleted"]
    assert story.outside.acts(str(story["mailbox"]))[-1] == "mailbox deleted"
    made = [visit for visit in ("Cancel equipment", "Delete mailbox", "Delete CRM record") if story.visits(visit)]
    assert made == ["Cancel equipment", "Delete mailbox", "Delete CRM record"][end == "Equipment refused" :]


def test_an_identity_that_cannot_be_cleared_up_ends_in_rejection(story: Story) -> None:
    hire(story, identity_document="X1234567")

    story.complete("ana", "Clarify identity", identity_document="X1234567", identity_decision="reject")

    assert story.end == completed("Rejected")


def test_an_identity_that_was_cleared_up_is_checked_again(story: Story) -> None:
    hire(story, identity_document="X1234567")

    story.complete("ana", "Clarify identity", identity_document="AB123456", identity_decision="check again")

    assert story.visits("Check identity") == 2
    assert story.inbox("ben") == ["Approve equipment and budget"]


def test_a_taken_address_is_chosen_anew_until_it_is_free(story: Story) -> None:
    hire(story, employee_name="Robin Berg")

    story.complete("ana", "Choose another address", mailbox_address="info@example.com")
    story.complete("ana", "Choose another address", mailbox_address="r.berg@example.com")

    assert story.inbox("ben") == ["Approve equipment and budget"]
    assert story["mailbox"] == "r.berg@example.com"
    assert story.visits("Create CRM record") == 1


def test_a_manager_may_ask_for_changes(story: Story) -> None:
    hire(story)

    story.complete("ben", "Approve equipment and budget", equipment_decision="change", manager_comment="A phone too")
    story.complete("ana", "Revise equipment", equipment=["laptop", "badge", "phone"], budget=800)
    approve(story)

    assert story.end == completed("Onboarded")
    assert story["budget"] == 800


def test_a_manager_is_reminded_three_times_and_keeps_the_task(story: Story) -> None:
    hire(story)

    for _ in range(5):
        story.wait(hours=24)

    assert story["reminders_sent"] == 3
    assert story.inbox("ben") == ["Approve equipment and budget"]


def test_an_address_that_cannot_exist_stops_onboarding_with_an_incident(story: Story) -> None:
    hire(story, private_email="mia@example.invalid")

    with story.engine.reading(ROOT) as tx:
        (incident,) = incidents.of_instance(tx, story.instance_id)

    assert incident.element_name == "Create CRM record"
    assert "mia@example.invalid" in incident.message


def test_only_hr_starts_an_onboarding(story: Story) -> None:
    with story.engine.reading(CAST["eve"]) as tx:
        assert "employee-onboarding" not in [one.key for one in definitions.startable(tx)]

    with pytest.raises(Forbidden), story.engine.transaction(CAST["eve"]) as tx:
        instances.start(tx, "employee-onboarding")


@pytest.mark.parametrize(("name", "wrong"), [("identity_document", "no"), ("budget", -1), ("department", "moon")])
def test_a_wrong_value_in_the_start_form_names_its_field(story: Story, name: str, wrong: Json) -> None:
    with pytest.raises(InvalidValues) as refusal:
        hire(story, **{name: wrong})

    assert list(refusal.value.errors) == [name]


# ---- payment -------------------------------------------------------------------------------------------------------


def pay(story: Story, amount: float = 50, **changes: Json) -> Story:
    order = {"payer_email": "mia@example.com", "payer_account": "DE123456", "time_limit": "PT48H"}
    return story.start("payment", "eve", amount=amount, **{**order, "reference": secrets.token_hex(4), **changes})


def test_a_small_payment_is_settled_without_anybody(story: Story) -> None:
    pay(story)

    assert story.end == completed("Settled")
    assert story["receipt_sent_to"] == "mia@example.com"
    assert story["charge"] == story["authorization"].replace("AUTH", "CH")
    assert story.done == ["reserved", "charged", "settled", "confirmed"]


def test_a_payment_needs_no_reference(story: Story) -> None:
    pay(story, reference="")

    assert story.end == completed("Settled")


@pytest.mark.parametrize("order", [{"amount": 5000}, {"payer_email": "mia@example.invalid"}])
def test_a_payment_is_reviewed_above_the_limit_or_in_doubt(story: Story, order: dict[str, Json]) -> None:
    pay(story, **order)

    assert story.inbox("ben") == []
    assert [task.priority for task in story.tasks("cleo")] == [80]
    story.complete("cleo", "Review payment", review_decision="release", review_note="Known customer")

    assert story.end == completed("Settled")


def test_a_payment_is_reviewed_when_nobody_knows_whether_it_is_fraud(story: Story) -> None:
    story.outside.switch("check-fraud", dead=True)
    pay(story)

    for _ in range(4):
        story.wait(seconds=35)
    story.complete("cleo", "Review payment", review_decision="release", review_note="Known customer")

    assert story.end == completed("Settled")


def test_a_refused_payment_is_rejected_by_review(story: Story) -> None:
    pay(story, amount=5000)

    story.complete("cleo", "Review payment", review_decision="refuse", review_note="Unknown customer")

    assert story.end == completed("Rejected by review")
    assert story.visits("Authorize payment") == 0


@pytest.mark.parametrize(
    ("account", "end", "done"),
    [
        ("DE120000", "Declined", []),
        ("DE125555", "Not charged", ["reserved", "released"]),
        ("DE128888", "Settlement refused", ["reserved", "charged", "refunded", "released"]),
        (
            "DE127777",
            "Cancelled by shop",
            ["reserved", "charged", "settled", "returned", "refunded", "released"],
        ),
    ],
)
def test_what_was_done_before_a_refusal_is_undone_in_reverse(
    story: Story, account: str, end: str, done: list[str]
) -> None:
    pay(story, payer_account=account)

    assert story.end == completed(end)
    assert story.done == done


def test_a_payment_that_is_never_settled_times_out(story: Story) -> None:
    pay(story, payer_account="DE129999")

    story.wait(hours=47)
    assert story.end[0] == InstanceStatus.ACTIVE
    story.wait(hours=2)

    assert story.end == completed("Timed out")
    assert story["voided"] == story["refunded"] == story["authorization"]
    assert story.done == ["reserved", "charged", "refunded", "released"]


def test_the_time_limit_comes_from_the_start_form(story: Story) -> None:
    pay(story, payer_account="DE129999", time_limit="PT1M")

    story.wait(seconds=61)

    assert story.end == completed("Timed out")


def test_money_that_arrives_late_settles_the_payment(story: Story) -> None:
    pay(story, payer_account="DE121111")

    assert story.end[0] == InstanceStatus.ACTIVE
    story.wait(minutes=61)

    assert story.end == completed("Settled")
    assert story["settlement_requests"] == 2


def test_an_answer_that_is_lost_is_asked_for_again_and_nothing_is_done_twice(story: Story) -> None:
    for endpoint in ("authorize", "charge", "settle", "confirm"):
        story.outside.switch(endpoint, duplicate=1)
    pay(story)

    for _ in range(4):
        story.wait(seconds=2)

    assert story.end == completed("Settled")
    assert story.done == ["reserved", "charged", "settled", "confirmed"]


# ---- document pipeline ---------------------------------------------------------------------------------------------

BILL = "Bill 7: Invoice with  AMOUNT payable"
LEASE = "Lease: agreement between the parties"
NOTE = "Note: see you on Monday"
MEMO = "Memo: dear all, the contract is done"


def hand_in(story: Story, *documents: str) -> Story:
    return story.start("document-pipeline", "eve", document_lines="\n".join(documents), threshold=0.8)


def test_clear_documents_are_published_without_anybody(story: Story) -> None:
    hand_in(story, BILL, "", LEASE)

    assert story.end == completed("Published")
    assert story["summary"] == {"received": 2, "published": 2, "by_category": {"contract": 1, "invoice": 1}}
    assert story["results"] == [
        {"title": "Bill 7", "category": "invoice"},
        {"title": "Lease", "category": "contract"},
    ]


def test_each_document_in_doubt_is_a_task_of_its_own(story: Story) -> None:
    hand_in(story, NOTE, BILL, MEMO)

    assert story.inbox("cleo") == ["Review document", "Review document"]
    with story.engine.reading(CAST["cleo"]) as tx:
        seen = [user_tasks.form(tx, task.id)[1] for task in story.tasks("cleo")]
    assert sorted(values["title"] for values in seen) == ["Memo", "Note"]

    story.complete("cleo", "Review document", category="letter")
    assert story.end[0] == InstanceStatus.ACTIVE
    story.complete("cleo", "Review document", category="letter")

    assert story.end == completed("Published")
    assert story["summary"]["by_category"] == {"invoice": 1, "letter": 2}
    assert [result["title"] for result in story["results"]] == ["Note", "Bill 7", "Memo"]


@pytest.mark.parametrize("documents", [(), ("", "  ")])
def test_an_empty_batch_has_nothing_to_publish(story: Story, documents: tuple[str, ...]) -> None:
    hand_in(story, *documents)

    assert story.end == completed("Nothing to publish")
    assert story.visits("Process document") == 0


def test_a_batch_of_which_all_is_discarded_has_nothing_to_publish(story: Story) -> None:
    hand_in(story, NOTE)

    story.complete("cleo", "Review document", category="discarded")

    assert story.end == completed("Nothing to publish")
    assert story["summary"] == {"received": 1, "published": 0, "by_category": {}}


def test_a_long_batch_is_processed_whole(story: Story) -> None:
    titles = [f"Bill {number}" for number in range(20)]
    hand_in(story, *(f"{title}: invoice with amount payable" for title in titles))

    assert story.end == completed("Published")
    assert [result["title"] for result in story["results"]] == titles


def test_a_document_that_nobody_classifies_is_reviewed(story: Story) -> None:
    story.outside.switch("classify", failing=1)
    hand_in(story, BILL)

    for _ in range(10):
        story.wait(seconds=31)
    story.outside.switch("classify", off=True)
    story.complete("cleo", "Review document", category="invoice")

    assert story.end == completed("Published")


# ---- purchase approval ---------------------------------------------------------------------------------------------


def ask_for(story: Story, amount: float, urgency: str = "normal", item: str = "Projector") -> Story:
    request = {"item": item, "reason": "The old one is broken", "urgency": urgency}
    return story.start("purchase-approval", "eve", amount=amount, **request)


def test_a_small_purchase_needs_the_team_lead_only(story: Story) -> None:
    ask_for(story, 5000)

    assert story.inbox("dora") == story.inbox("cleo") == []
    story.press("ben", "Decide as team lead", "Approve")

    assert story.end == completed("Approved")
    assert story.outside.acts(str(story["commitment"])) == ["budget committed", "ordered"]
    assert str(story["order_number"]).startswith("PO-")


def test_a_purchase_beyond_the_budget_is_not_ordered(story: Story) -> None:
    ask_for(story, 60_000)

    story.press("ben", "Decide as team lead", "Approve")
    story.press("dora", "Decide as director", "Approve")

    assert story.end == completed("No budget")
    assert story.visits("Place order") == 0


def test_what_is_not_delivered_gives_the_budget_back(story: Story) -> None:
    ask_for(story, 100, item="Discontinued projector")

    story.press("ben", "Decide as team lead", "Approve")

    assert story.end == completed("Not delivered")
    assert story["budget_released"] == story["commitment"]
    assert story.outside.acts(str(story["commitment"])) == ["budget committed", "budget released"]


def test_a_large_purchase_needs_the_director_as_well(story: Story) -> None:
    ask_for(story, 5000.01)

    story.press("ben", "Decide as team lead", "Approve")
    assert story.inbox("dora") == ["Decide as director"]
    story.press("dora", "Decide as director", "Approve")

    assert story.end == completed("Approved")


def test_a_team_lead_may_reject(story: Story) -> None:
    ask_for(story, 100)

    story.press("ben", "Decide as team lead", "Reject")

    assert story.end == completed("Rejected")
    assert story["refusal_explained"] == "The purchase of Projector was refused."


def test_a_director_may_reject(story: Story) -> None:
    ask_for(story, 8000)

    story.press("ben", "Decide as team lead", "Approve")
    story.press("dora", "Decide as director", "Reject")

    assert story.end == completed("Rejected")


def test_a_reminder_leaves_the_task_with_the_team_lead(story: Story) -> None:
    ask_for(story, 100)

    story.wait(hours=13)
    story.wait(hours=12)

    assert story["reminders_sent"] == 2
    assert story.inbox("ben") == ["Decide as team lead"]
    story.press("ben", "Decide as team lead", "Approve")
    assert story.end == completed("Approved")


@pytest.mark.parametrize(("button", "end"), [("Approve", "Approved"), ("Reject", "Rejected")])
def test_after_the_deadline_the_deputies_decide(story: Story, button: str, end: str) -> None:
    ask_for(story, 100)

    story.wait(hours=49)
    assert story.inbox("ben") == []
    story.press("cleo", "Decide as deputy", button)

    assert story.end == completed(end)


def test_an_urgent_purchase_is_handed_over_after_five_minutes(story: Story) -> None:
    ask_for(story, 8000, urgency="urgent")

    story.wait(minutes=6)
    story.press("cleo", "Decide as deputy", "Approve")
    story.press("dora", "Decide as director", "Approve")

    assert story.end == completed("Approved")


# ---- all of them ---------------------------------------------------------------------------------------------------


ENDS = {
    "employee_onboarding": {"Onboarded", "Rejected", "Manager reminded", "Equipment refused", "Not reached"},
    "payment": {
        "Settled",
        "Rejected by review",
        "Declined",
        "Not charged",
        "Settlement refused",
        "Cancelled by shop",
        "Timed out",
        "Money there",
    },
    "document_pipeline": {"Published", "Nothing to publish", "Document done"},
    "purchase_approval": {"Approved", "Rejected", "Team lead reminded", "No budget", "Not delivered"},
}
"""The end events that the tests above reach: a new one in a diagram asks for a new test."""


@pytest.mark.parametrize("example", demo.EXAMPLES)
def test_every_end_of_an_example_is_reached_above(example: str) -> None:
    diagrams = [content for file, content in demo.files(example).items() if file.endswith(".bpmn")]

    drawn = {str(node.get("name")) for content in diagrams for node in ET.fromstring(content).iter(END_EVENT)}

    assert drawn == ENDS[example]
