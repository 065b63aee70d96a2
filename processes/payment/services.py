"""The mail of this example, in Python; the bank and the shop are called by HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from engine import services


@services.register("send-receipt")
def send_receipt(call: services.Call) -> Mapping[str, object]:
    return {"receipt_sent_to": call.variables["payer_email"]}
