"""Outcomes that are told later, at the address that the caller gave."""

from __future__ import annotations

import json
import logging
import threading
from urllib.error import URLError
from urllib.request import Request, urlopen

from processes.demo_services.ledger import Reply

log = logging.getLogger(__name__)
SECONDS = 0.5


def promise(reply: Reply, address: str) -> None:
    """Post it soon. Whoever is killed until then never does: the caller runs out of patience and asks again."""
    timer = threading.Timer(SECONDS, _post, (reply, address))
    timer.daemon = True
    timer.start()


def _post(reply: Reply, address: str) -> None:
    sent = Request(address, json.dumps(reply.body).encode(), {"Content-Type": "application/json"})
    try:
        urlopen(sent, timeout=10).close()
    except (URLError, TimeoutError) as cause:
        log.warning("outcome not told", extra={"address": address, "cause": str(cause)})
