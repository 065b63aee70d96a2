"""The reminders of this example, in Python; register, CRM, mail server and supplier are called by HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from engine import services


@services.register("remind-manager")
def remind_manager(call: services.Call) -> Mapping[str, object]:
    return {"reminders_sent": int(call.variables.get("reminders_sent", 0)) + 1}
