"""The register of documents, the CRM and the mail server of this example; every answer follows from the variables."""

from __future__ import annotations

from collections.abc import Mapping

from engine import errors, services

UNKNOWN_DOCUMENTS = "X"
"""Identity documents whose number begins like this are not in the register."""
MAIL_DOMAIN = "example.com"
TAKEN = frozenset({f"robin.berg@{MAIL_DOMAIN}", f"info@{MAIL_DOMAIN}"})


@services.register("check-identity")
def check_identity(call: services.Call) -> Mapping[str, object]:
    number = str(call.variables["identity_document"])
    return {"identity_confirmed": not number.startswith(UNKNOWN_DOCUMENTS)}


@services.register("create-crm-record")
def create_crm_record(call: services.Call) -> Mapping[str, object]:
    """Raises ServiceFailed, for good, when the e-mail address ends in .invalid."""
    email = str(call.variables["email"])
    if email.endswith(".invalid"):
        raise errors.ServiceFailed(
            f"Expected an e-mail address that exists, but it is {email}. Cancel and start again with another one.",
            retryable=False,
        )
    return {"record": f"CRM-{call.instance_id:05d}"}


@services.register("create-mailbox")
def create_mailbox(call: services.Call) -> Mapping[str, object]:
    """Raises the BPMN error "address-taken" for an address in TAKEN."""
    address = str(call.variables.get("mailbox_address") or usual_address(str(call.variables["employee_name"])))
    if address in TAKEN:
        raise errors.BpmnError("address-taken", f"{address} belongs to somebody else")
    return {"mailbox": address}


def usual_address(name: str) -> str:
    return ".".join(name.lower().split()) + f"@{MAIL_DOMAIN}"


@services.register("remind-manager")
def remind_manager(call: services.Call) -> Mapping[str, object]:
    return {"reminders_sent": int(call.variables.get("reminders_sent", 0)) + 1}


@services.register("send-welcome")
def send_welcome(call: services.Call) -> Mapping[str, object]:
    return {"welcomed_at": call.variables["mailbox"]}
