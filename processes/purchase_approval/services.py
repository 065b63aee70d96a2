"""The mail of this example, in Python; the budget and the supplier are called by HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from engine import services


@services.register("remind-team-lead")
def remind_team_lead(call: services.Call) -> Mapping[str, object]:
    return {"reminders_sent": int(call.variables.get("reminders_sent", 0)) + 1}


@services.register("explain-refusal")
def explain_refusal(call: services.Call) -> Mapping[str, object]:
    return {"refusal_explained": f"The purchase of {call.variables['item']} was refused."}
