"""The fraud check, the bank and the mail of this example; every answer follows from the variables."""

from __future__ import annotations

from collections.abc import Mapping

from engine import errors, services

HARMLESS, DOUBTFUL = 10, 80
DECLINED = "0000"
"""Accounts that end like this are refused by the bank."""
REQUESTS_NEEDED = {"1111": 2, "9999": None}
"""End of the account -> how often the bank wants to be asked before it transfers; None: it never does."""


@services.register("check-fraud")
def check_fraud(call: services.Call) -> Mapping[str, object]:
    email = str(call.variables["payer_email"])
    return {"fraud_score": DOUBTFUL if email.endswith(".invalid") else HARMLESS}


@services.register("authorize-payment")
def authorize_payment(call: services.Call) -> Mapping[str, object]:
    """Raises the BPMN error "declined" for an account that ends in DECLINED."""
    account = str(call.variables["payer_account"])
    if account.endswith(DECLINED):
        raise errors.BpmnError("declined", f"the bank refuses account {account}")
    return {"authorization": f"AUTH-{call.instance_id:05d}"}


@services.register("request-settlement")
def request_settlement(call: services.Call) -> Mapping[str, object]:
    """A second run reads the same count, so it counts the same request."""
    requests = int(call.variables.get("settlement_requests", 0)) + 1
    needed = REQUESTS_NEEDED.get(str(call.variables["payer_account"])[-4:], 1)
    return {"settlement_requests": requests, "settled": needed is not None and requests >= needed}


@services.register("void-authorization")
def void_authorization(call: services.Call) -> Mapping[str, object]:
    return {"voided": call.variables["authorization"]}


@services.register("send-receipt")
def send_receipt(call: services.Call) -> Mapping[str, object]:
    return {"receipt_sent_to": call.variables["payer_email"]}
