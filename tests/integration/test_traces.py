"""One trace leads from a request over commands and jobs to the calls of services."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from engine import Engine, SettableClock, messages, services, tracing
from engine.services import Call
from tests.driver import ROOT, Driver
from tests.play import END, START, chain, document, user
from tests.site import Site, Visitor
from tests.spans import Traced, tracing_in_memory

CHARGE = '<serviceTask id="charge" camunda:type="external" camunda:topic="charge"/>'
CALLING = START + CHARGE + END + chain("start", "charge", "end")
TIMED = (
    START
    + '<intermediateCatchEvent id="later"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
    + "</timerEventDefinition></intermediateCatchEvent>"
    + CHARGE
    + END
    + chain("start", "later", "charge", "end")
)
CATCHING = (
    START
    + '<intermediateCatchEvent id="catch"><messageEventDefinition messageRef="paid"/></intermediateCatchEvent>'
    + END
    + chain("start", "catch", "end")
)
SENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def traced() -> Iterator[Traced]:
    with tracing_in_memory() as traced:
        yield traced


@pytest.fixture
def driver(engine: Engine, clock: SettableClock) -> Driver:
    return Driver(engine, clock)


class Passing:
    """A service that asks another for something, and hands on its trace."""

    def __init__(self, *failures: Exception) -> None:
        self.sent: list[str] = []
        self._failures = list(failures)
        services.register("charge")(self)

    def __call__(self, call: Call) -> None:
        self.sent.append(tracing.headers()["traceparent"])
        if self._failures:
            raise self._failures.pop()


def test_one_trace_leads_from_a_request_to_the_service(
    site: Site, ana: Visitor, driver: Driver, traced: Traced
) -> None:
    driver.deploy_files({"p.bpmn": document(CALLING)})
    service = Passing()
    ana.token()

    assert ana.start("Process").status_code == 302
    posted = traced.spans[-2].context.trace_id
    driver.run_jobs()

    whole = [span for span in traced.spans if span.context.trace_id == posted]
    assert [span.name for span in whole] == [
        "POST /start/<int:definition_id>",
        "begin instance",
        "job service",
        "call charge",
        "advance instance",
    ]
    assert traced.above("begin instance") == "POST /start/<int:definition_id>"
    assert traced.above("job service") == "begin instance"
    assert traced.above("call charge") == "job service"
    assert service.sent == [traced.header("call charge")]


def test_a_request_goes_on_with_the_trace_of_who_sent_it(site: Site, ana: Visitor, traced: Traced) -> None:
    ana.client.get("/", headers={"traceparent": SENT})

    assert traced.trace_ids() == {"0af7651916cd43dd8448eb211c80319c"}


def test_a_trace_does_not_tell_the_address_of_a_call_back(site: Site, traced: Traced) -> None:
    site.app.test_client().post("/callbacks/the-signature/heartbeat")
    site.app.test_client().get("/login")

    told = [span.attributes["url.path"] for span in traced.spans if "url.path" in (span.attributes or {})]
    assert told == ["/callbacks/<signed>/heartbeat", "/login"]


def test_a_timer_and_each_try_belong_to_the_trace(driver: Driver, traced: Traced) -> None:
    service = Passing(ConnectionError("no answer"))
    with tracing.span("program", {}):
        story = driver.draw(TIMED)
    driver.tick(hours=1)
    driver.tick(minutes=1)

    assert (story.status, len(service.sent)) == ("completed", 2)
    assert len(traced.trace_ids()) == 1
    tried = [span for span in traced.spans if span.name == "job service"]
    assert [(span.status.status_code.name, span.status.description) for span in tried] == [
        ("ERROR", "ConnectionError: no answer"),
        ("UNSET", None),
    ]
    assert all(span.attributes and span.attributes["procession.element"] == "charge" for span in tried)


def test_spans_tell_of_instance_job_and_steps(driver: Driver, traced: Traced) -> None:
    Passing()
    story = driver.draw(CALLING)

    begun, tried = traced.span("begin instance").attributes, traced.span("job service").attributes
    assert begun == {"procession.instance": story.id, "procession.steps": 2}
    assert tried is not None
    assert tried["procession.instance"] == story.id
    assert tried["procession.job"]


def test_the_span_of_a_completed_task_names_it(driver: Driver, traced: Traced) -> None:
    driver.draw(START + user("approve") + END + chain("start", "approve", "end"))
    driver.complete(ROOT, "approve")

    attributes = traced.span("advance instance").attributes
    assert attributes is not None
    assert attributes["procession.element"] == "approve"


def test_a_kept_message_that_was_taken_leaves_no_job(driver: Driver, traced: Traced) -> None:
    with tracing.span("program", {}):
        driver.do(messages.correlate, "paid", by=ROOT, business_key="4711", lifetime=timedelta(hours=1))
    driver.draw(CATCHING, business_key="4711")
    driver.tick(seconds=3)

    with driver.engine.database.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM job").scalar_one() == 0


def test_probes_and_files_are_no_traces(site: Site, traced: Traced) -> None:
    for path in ("/healthz", "/readyz", "/metrics", "/static/icon.svg"):
        site.stranger().get(path).close()

    assert traced.names() == []


def test_a_bug_of_ours_is_an_error_in_its_span(
    site: Site, ben: Visitor, traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.inbox.user_tasks.counts", lambda tx: 1 / 0)
    site.app.testing = False

    ben.get("/")

    span = traced.span("GET /")
    assert span.attributes is not None
    assert (span.status.status_code.name, span.attributes["http.response.status_code"]) == ("ERROR", 500)
