"""The publisher of this example, in Python; the transformations are called by HTTP."""

from __future__ import annotations

from collections.abc import Mapping

from engine import services


@services.register("publish-collection")
def publish_collection(call: services.Call) -> Mapping[str, object]:
    return {"collection": f"COLLECTION-{call.instance_id:05d}"}
