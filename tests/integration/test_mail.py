"""Mail tasks against a real server: what is sent, what fails and how it is tried again, what nobody may send."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from engine import (
    Engine,
    InstanceStatus,
    SettableClock,
    Settings,
    circuits,
    definitions,
    incidents,
    instances,
    open_calls,
    repairs,
    secrets,
)
from engine.errors import Invalid
from engine.model import Json
from engine.services import smtp
from tests.brokers import free_port
from tests.driver import ROOT, Driver, Story
from tests.mailserver import PASSWORD, TAKEN, USER, MailServer, certificate, receiving
from tests.play import END, START, boundary, chain, document

OWN = "urn:procession:bpmn:1"
HELLO = "<procession:text>Hello ${name}</procession:text>"


@pytest.fixture(scope="module")
def running() -> Iterator[MailServer]:
    with receiving() as server:
        yield server


@pytest.fixture
def server(running: MailServer) -> MailServer:
    running.reset()
    return running


def ours(server: MailServer) -> dict[str, Any]:
    """Settings."""
    return {
        "secret_key": "for tests",
        "smtp_host": "127.0.0.1",
        "smtp_port": server.port,
        "smtp_security": "none",
        "smtp_from": "Orders <orders@shop.example>",
        "mail_recipients": 5,
        "mail_bytes": 100_000,
        "service_duration": timedelta(seconds=2),
    }


@pytest.fixture
def driver(engine: Engine, clock: SettableClock, server: MailServer) -> Driver:
    engine.settings = replace(engine.settings, **ours(server))
    return Driver(engine, clock)


def told(driver: Driver, **settings: Any) -> None:
    driver.engine.settings = replace(driver.engine.settings, **settings)


def task(inside: str = HELLO, more: str = "", *, extra: str = "", **attributes: str) -> str:
    about = {"to": "ann@example.com", "subject": "Your order", **attributes}
    said = "".join(f' {name}="{value}"' for name, value in about.items() if value)
    mail = f'<procession:mail xmlns:procession="{OWN}"{said}>{inside}</procession:mail>'
    return f'<sendTask id="send" {more}><extensionElements>{mail}{extra}</extensionElements></sendTask>'


def drawn(send: str, further: str = "") -> str:
    return START + send + END + chain("start", "send", "end") + further


def sent(driver: Driver, send: str, **variables: Json) -> Story:
    return driver.draw(drawn(send), **{"name": "Ann", **variables})


def failed(driver: Driver, send: str, **variables: Json) -> Story:
    """An instance whose tries are used up."""
    story = sent(driver, send, **variables)
    for _ in range(4):
        driver.tick(hours=1)
    assert len(story.incidents()) == 1
    return story


CAUGHT = boundary("refused", "send", '<errorEventDefinition errorRef="declined"/>') + '<endEvent id="sorry"/>'
CAUGHT += chain("refused", "sorry")


# ---- outages -------------------------------------------------------------------------------------------------------


def test_a_server_that_is_down_is_left_alone_until_it_is_back(driver: Driver, server: MailServer) -> None:
    driver.deploy_drawn(drawn(task()))
    told(driver, smtp_port=free_port())
    for _ in range(20):
        driver.start("p", name="Ann")
    for _ in range(20):
        driver.tick(minutes=1)
    with driver.engine.reading(ROOT) as tx:
        (away,), pending = circuits.find(tx), incidents.pending(tx).rows
    assert (away.name, away.waiting) == ("mail server", 20)
    assert [incident.element_name for incident in pending] == ['service "mail server"']

    told(driver, smtp_port=server.port)
    for _ in range(20):
        driver.tick(minutes=1)
    assert len(server.given) == 20
    with driver.engine.reading(ROOT) as tx:
        assert (circuits.find(tx), incidents.pending(tx).total) == ([], 0)


def test_a_mail_on_its_way_is_a_call_that_can_be_repaired(driver: Driver, server: MailServer) -> None:
    told(driver, smtp_port=free_port())
    stories = [sent(driver, task(more='camunda:resultVariable="sent"')) for _ in range(3)]
    calls = [story.calls()[0] for story in stories]
    assert [(one.topic, one.kind, one.tries) for one in calls] == [("mail server", "mail", 1)] * 3

    by_hand, skipped, now = stories
    driver.do(repairs.complete, by_hand.id, calls[0].token, '{"sent": {"status": 250}}', by=ROOT)
    driver.do(repairs.skip, skipped.id, calls[1].token, "told by phone", by=ROOT)
    told(driver, smtp_port=server.port)
    driver.do(open_calls.try_now, calls[2].job_id, by=ROOT)
    driver.run_jobs()

    assert (by_hand.values()["sent"], len(server.given)) == ({"status": 250}, 1)
    assert {story.status for story in (by_hand, skipped, now)} == {InstanceStatus.COMPLETED}


def test_an_incident_is_over_when_the_mail_is_sent(driver: Driver, server: MailServer) -> None:
    server.refused = {"ann@example.com": "550 5.1.1 nobody of that name"}
    story = failed(driver, task())
    (incident,) = story.incidents()

    driver.do(incidents.retry, incident.id, by=ROOT)
    assert [each.resolved_at for each in story.incidents()] == [None]
    driver.run_jobs()
    assert len(story.incidents()) == 1  # still
    server.refused = {}
    driver.do(incidents.retry, incident.id, by=ROOT)
    driver.run_jobs()

    assert (story.incidents(), story.status) == ([], "completed")


@pytest.mark.parametrize("answer", ["450 4.2.0 come back later", "550 5.1.1 nobody of that name"])
def test_who_refuses_a_recipient_is_not_down(driver: Driver, server: MailServer, answer: str) -> None:
    server.refused = {"ann@example.com": answer}
    driver.deploy_drawn(drawn(task()))
    for _ in range(20):
        driver.start("p", name="Ann")

    with driver.engine.reading(ROOT) as tx:
        assert circuits.find(tx) == []


# ---- what is sent --------------------------------------------------------------------------------------------------


def test_a_mail_with_all_that_there_is(driver: Driver, server: MailServer) -> None:
    inside = HELLO + (
        "<procession:html><![CDATA[<p>Hello <b>${name}</b></p>]]></procession:html>"
        '<procession:attachment name="invoice-${number}.pdf">${invoice}</procession:attachment>'
    )
    story = sent(
        driver,
        task(
            inside,
            'camunda:resultVariable="sent"',
            to="${name} &lt;ann@example.com>, ${others}",
            cc="carl@example.com",
            bcc="boss@example.com",
            replyTo="help@shop.example",
            subject="Order ${number}: für ${name}",
        ),
        name="Ann, <b>",
        number=7,
        invoice=b"%PDF-\0\xff",
        others=["ben@example.com", "Bea Müller <bea@bücher.example>"],
    )

    (given,) = server.given
    message = given.message
    assert given.sender == "orders@shop.example"
    assert given.recipients == [
        "ann@example.com",
        "ben@example.com",
        "bea@xn--bcher-kva.example",
        "carl@example.com",
        "boss@example.com",
    ]
    assert (message["From"], message["Subject"]) == ("Orders <orders@shop.example>", "Order 7: für Ann, <b>")
    assert [each.display_name for each in message["To"].addresses] == ["Ann, <b>", "", "Bea Müller"]
    assert (message["Cc"], message["Bcc"], message["Reply-To"]) == ("carl@example.com", None, "help@shop.example")
    assert message["Date"].datetime == driver.clock.now().replace(microsecond=0)
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None and text.get_content() == "Hello Ann, <b>\n"
    assert html is not None and html.get_content() == "<p>Hello <b>Ann, &lt;b&gt;</b></p>\n"
    (attached,) = message.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("invoice-7.pdf", "application/pdf")
    assert attached.get_content() == b"%PDF-\0\xff"
    assert story.status == "completed"
    assert story.values()["sent"] == {"message_id": message["Message-ID"], "status": 250, "body": TAKEN[4:]}


def test_each_try_is_recorded(driver: Driver, server: MailServer) -> None:
    (found,) = sent(driver, task(bcc="boss@example.com")).tries()

    assert (found.outcome, found.answer) == ("answered", TAKEN)
    for line in ("To: ann@example.com", "Bcc: boss@example.com", "Subject: Your order", "Hello Ann"):
        assert line in str(found.request).splitlines()


def test_the_id_is_the_same_over_tries_and_another_for_the_next_visit(driver: Driver, server: MailServer) -> None:
    server.answers = ["451 later", "451 later"]
    sent(driver, task())
    for _ in range(3):
        driver.tick(minutes=1)
    driver.start("p", name="Ben")
    ids = [given.message["Message-ID"] for given in server.given]

    assert len(ids) == 4 and len(set(ids[:3])) == 1 and ids[3] != ids[0]
    assert ids[0].endswith("@shop.example>")


def test_a_value_that_is_missing_is_written_as_nothing(driver: Driver, server: MailServer) -> None:
    sent(driver, task(cc="${nobody}"), name=None, nobody=None)
    assert server.given[0].message.get_content() == "Hello \n"


def test_lines_of_any_length_and_single_dots(driver: Driver, server: MailServer) -> None:
    text = f".\n..\n{'ä' * 5_000}\nend"
    sent(driver, task("<procession:text>${text}</procession:text>"), text=text)

    (given,) = server.given
    assert given.message.get_content().replace("\r\n", "\n") == text + "\n"
    assert max(map(len, given.content.splitlines())) < 999 and given.content.isascii()


def test_a_worker_sends_mail_on_threads_of_its_own(migrated_url: str, server: MailServer) -> None:
    with Engine(Settings(database_url=migrated_url, **ours(server))) as engine:
        driver = Driver(engine, SettableClock())
        driver.deploy_drawn(drawn(task()))
        engine.start_worker()
        story = Story(driver, driver.do(instances.start, "p", variables={"name": "Ann"}, by=ROOT).id)
        until = time.monotonic() + 10
        while story.status == "active" and time.monotonic() < until:
            time.sleep(0.02)

        assert (story.status, len(server.given)) == ("completed", 1)


# ---- how we get there ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def guarded(trusted: tuple[Path, ssl.SSLContext]) -> Iterator[MailServer]:
    """It wants STARTTLS and a login."""
    with receiving(trusted[1]) as server:
        yield server


@pytest.fixture
def guarding(driver: Driver, guarded: MailServer, trusted: tuple[Path, ssl.SSLContext]) -> MailServer:
    guarded.reset()
    ours = {"smtp_port": guarded.port, "smtp_user": USER, "smtp_password": PASSWORD}
    told(driver, smtp_security="starttls", smtp_ca_file=str(trusted[0]), **ours)
    return guarded


def test_starttls_and_a_login(driver: Driver, guarding: MailServer) -> None:
    assert sent(driver, task()).status == "completed"
    assert [given.is_encrypted for given in guarding.given] == [True]


def test_tls_from_the_beginning(driver: Driver, trusted: tuple[Path, ssl.SSLContext]) -> None:
    with receiving(trusted[1], is_tls_at_once=True) as server:
        told(driver, smtp_security="tls", smtp_port=server.port, smtp_ca_file=str(trusted[0]))
        assert sent(driver, task()).status == "completed"
    assert len(server.given) == 1


def test_a_certificate_that_nobody_vouches_for(driver: Driver, guarding: MailServer) -> None:
    told(driver, smtp_ca_file="")
    story = failed(driver, task())

    assert "certificate verify failed" in story.incidents()[0].message.lower()
    assert guarding.given == []


def test_a_server_that_does_not_encrypt_gets_nothing(driver: Driver, server: MailServer) -> None:
    told(driver, smtp_security="starttls", smtp_user=USER, smtp_password=PASSWORD)
    story = failed(driver, task())

    assert (len(story.tries()), server.given) == (1, [])
    assert "STARTTLS" in story.incidents()[0].message


def test_a_password_that_is_a_secret(driver: Driver, guarding: MailServer) -> None:
    told(driver, smtp_password="", smtp_secret="mail")
    story = failed(driver, task())
    assert 'Expected secret "mail" to be there' in story.incidents()[0].message

    driver.do(secrets.put, "mail", PASSWORD, by=ROOT)
    story.retry()
    assert story.status == "completed"


def test_a_wrong_password_is_not_tried_again(driver: Driver, guarding: MailServer) -> None:
    told(driver, smtp_password="wr0ng-password")
    story = failed(driver, task())

    assert (len(story.tries()), guarding.given) == (1, [])
    assert "535" in story.incidents()[0].message


def test_the_password_is_kept_nowhere(driver: Driver, guarding: MailServer, caplog: pytest.LogCaptureFixture) -> None:
    guarding.answers = [f"451 you said {PASSWORD}", f"250 {PASSWORD}"]
    story = sent(driver, task(more='camunda:resultVariable="sent"'))
    driver.tick(minutes=1)

    assert story.status == "completed"
    with driver.engine.database.connect() as connection:
        tables = ("try", "event", "job", "variable", "incident", "snapshot")
        held = [str(connection.exec_driver_sql(f'SELECT * FROM "{table}"').all()) for table in tables]
    assert PASSWORD not in "".join(held) + caplog.text + repr(driver.engine.settings)
    assert "***" in str(story.tries()[0].answer) and "***" in str(story.tries()[1].message)


# ---- what fails ----------------------------------------------------------------------------------------------------


def test_a_server_that_is_busy_is_asked_again(driver: Driver, server: MailServer) -> None:
    server.answers = ["452 disk full"]
    story = sent(driver, task())
    assert (len(server.given), story.status) == (1, "active")
    driver.tick(minutes=1)

    assert (len(server.given), story.status) == (2, "completed")
    assert story.tries()[-1].message == "Expected the mail server to take the mail, but it said: 452 disk full"


def test_a_refusal_is_not_tried_again(driver: Driver, server: MailServer) -> None:
    server.answers = ["554 no spam"]
    story = failed(driver, task())

    assert (len(server.given), len(story.tries()), story.tries()[0].answer) == (1, 1, "554 no spam")


@pytest.mark.parametrize(
    ("retry", "tries"),
    [('only="4xx"', 3), ('only="452"', 3), ('never="4xx"', 1), ('never="452"', 1), ('never="SMTPDataError"', 1)],
)
def test_the_task_says_what_is_tried_again(driver: Driver, server: MailServer, retry: str, tries: int) -> None:
    server.answers = ["452 disk full"] * 5
    story = failed(driver, task(extra=f'<procession:retry xmlns:procession="{OWN}" maxTries="3" {retry}/>'))
    assert len(story.tries()) == tries


@pytest.mark.parametrize(("words", "tries"), [("550 no such user", 1), ("450 greylisted", 3)])
def test_nobody_gets_it_when_one_recipient_is_refused(
    driver: Driver, server: MailServer, words: str, tries: int
) -> None:
    server.refused = {"ben@example.com": words}
    story = failed(driver, task(to="ann@example.com, ben@example.com"))

    assert (len(story.tries()), server.given) == (tries, [])
    assert f"take the mail for ben@example.com, but it said: {words}" in story.incidents()[0].message

    server.refused = {}
    story.retry()
    assert server.given[0].recipients == ["ann@example.com", "ben@example.com"]


def test_a_server_that_is_away(driver: Driver, server: MailServer) -> None:
    told(driver, smtp_port=1)
    story = failed(driver, task())
    assert len(story.tries()) == 3
    assert "Expected the mail server 127.0.0.1:1 to take the mail, but" in story.incidents()[0].message

    told(driver, smtp_port=server.port)
    story.retry()
    assert story.status == "completed"


def test_a_server_that_takes_too_long(driver: Driver, server: MailServer) -> None:
    told(driver, service_duration=timedelta(seconds=0.5))
    server.until = threading.Event()
    story = failed(driver, task())
    server.until.set()

    assert len(story.tries()) == 3
    assert "Expected the mail server" in story.incidents()[0].message


def test_no_server_is_set(driver: Driver, server: MailServer) -> None:
    told(driver, smtp_host="")
    story = failed(driver, task())
    assert (len(story.tries()), "PROCESSION_SMTP_HOST" in story.incidents()[0].message) == (1, True)


def test_a_refusal_is_mapped_to_an_error(driver: Driver, server: MailServer) -> None:
    server.refused = {"ann@example.com": "550 no such user"}
    mapped = """<procession:error code="OTHER" when="${status == 552}"/>
      <procession:error code="DECLINED" when="${status == 550}">${refused[0]}: ${body}</procession:error>"""
    story = driver.draw(drawn(task(HELLO + mapped), CAUGHT), name="Ann")

    assert story.status == "completed"
    assert story.values()["errorMessage"] == "ann@example.com: no such user"
    assert [(each.outcome, each.message) for each in story.tries()] == [("error", "DECLINED")]


# ---- what nobody may send ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ann",
        "ann@",
        "@example.com",
        "ann@example.com\r\nBcc: eve@evil.test",
        "ann@example.com, eve@evil.test",
        "ann@example.com>\r\nDATA",
        "<ann@example.com> <eve@evil.test",
        "ann smith@example.com",
        "ann@exam ple.com",
        "ann@-example.com",
        "änn@example.com",
        "ann@example.com\0",
        f"{'a' * 65}@example.com",
        f"a@{'b.' * 130}com",
        '"ann bcc"@example.com',
        {"no": "text"},
    ],
)
def test_an_address_that_is_none(driver: Driver, server: MailServer, address: Json) -> None:
    story = failed(driver, task(to="${address}"), address=address)

    assert (len(story.tries()), server.connections) == (1, 0)
    assert story.incidents()[0].message.startswith("Expected ")


@pytest.mark.parametrize("name", ["a\r\nBcc: eve@evil.test", "a\nb", "a\x0bb", "a\u2028b", "x" * 2_000])
def test_a_header_stays_one_line(driver: Driver, server: MailServer, name: str) -> None:
    told_in = {"subject": "Hello ${name}"}, {"to": "${name} &lt;ann@example.com>"}
    for attributes in told_in:
        story = failed(driver, task("<procession:text>x</procession:text>", **attributes), name=name)
        assert (len(story.tries()), server.connections) == (1, 0)


def test_a_name_stays_a_name(driver: Driver, server: MailServer) -> None:
    name = 'Eve <eve@evil.test>, "Bob" \\ 9'
    sent(driver, task(to="${name} &lt;ann@example.com>"), name=name)

    (given,) = server.given
    assert given.recipients == ["ann@example.com"]
    assert [each.display_name for each in given.message["To"].addresses] == [name]


@pytest.mark.parametrize("file", ["../x", "a\nb", 'a"b', "a\\b", "=?utf-8?q?a?=", ""])
def test_an_attachment_has_the_name_of_a_file(driver: Driver, server: MailServer, file: str) -> None:
    inside = HELLO + '<procession:attachment name="${file}">${data}</procession:attachment>'
    assert len(failed(driver, task(inside), file=file, data=b"x").tries()) == 1


@pytest.mark.parametrize(("data", "why"), [(b"x" * 80_000, "100,000 bytes"), (5, "bytes of a.bin"), ([], "bytes of")])
def test_an_attachment_that_cannot_be_sent(driver: Driver, server: MailServer, data: Json, why: str) -> None:
    inside = HELLO + '<procession:attachment name="a.bin">${data}</procession:attachment>'
    story = failed(driver, task(inside), data=data)
    assert (why in story.incidents()[0].message, server.connections) == (True, 0)


def test_too_many_recipients(driver: Driver, server: MailServer) -> None:
    story = failed(driver, task(to="${all}"), all=[f"a{number}@example.com" for number in range(6)])
    assert "at most 5 recipients, but there are 6" in story.incidents()[0].message


# ---- templates -----------------------------------------------------------------------------------------------------


def deployed(driver: Driver, file: str, source: str, **variables: Json) -> Story:
    body = drawn(task("", template=file))
    driver.deploy_files({"p.bpmn": document(body), file: source.encode()})
    return driver.start("p", **variables)


def test_a_template_in_html_escapes_values(driver: Driver, server: MailServer) -> None:
    source = "<ul>{% for line in lines %}<li>{{ line.name }}: {{ '%.2f' % line.sum }}</li>{% endfor %}</ul>"
    deployed(driver, "order.html", source, lines=[{"name": "<b>", "sum": 3}, {"name": "B&B", "sum": 4.5}])

    message = server.given[0].message
    assert message.get_content_type() == "text/html"
    assert message.get_content() == "<ul><li>&lt;b&gt;: 3.00</li><li>B&amp;B: 4.50</li></ul>\n"


def test_a_template_in_text(driver: Driver, server: MailServer) -> None:
    deployed(driver, "order.txt", "Hello {{ name }}{{ nothing }} <{{ day.strftime('%d.%m.') }}>", name="<A>",
             nothing=None, day=driver.clock.now())  # fmt: skip
    day = f"{driver.clock.now():%d.%m.}"
    assert server.given[0].message.get_content() == f"Hello <A> <{day}>\n"


def test_a_template_in_markdown_is_both(driver: Driver, server: MailServer) -> None:
    deployed(driver, "order.md", "# Hello {{ name }}\n\n*Bye*", name="[x](http://evil.test) <b> # *y*")

    text, html = (server.given[0].message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None and text.get_content().startswith("# Hello [x](http://evil.test)")
    assert html is not None and html.get_content() == (
        "<h1>Hello [x](http://evil.test) &lt;b&gt; # *y*</h1>\n<p><em>Bye</em></p>\n"
    )


def test_a_template_outlives_the_program(driver: Driver, server: MailServer, clock: SettableClock) -> None:
    deployed(driver, "order.txt", "Hello")
    driver.engine.definitions = type(driver.engine.definitions)()
    driver.start("p")
    assert len(server.given) == 2


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("a\n{{ missing }}", "line 2: 'missing' is undefined"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ x.append(1) }}", "unsafe"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}", "too long"),
        ("{{ 'x' * 999999999 }}", ""),
        ("{{ 10 ** (10 ** 9) }}", "too long"),
        ("{% for a in range(99999) %}{{ 'x' * 999 }}{% endfor %}", "at most 2,000,000 characters"),
        ("{{ self.__init__.__globals__ }}", ""),
        ("{{ cycler.__init__.__globals__.os.popen('id').read() }}", ""),
    ],
)
def test_a_template_that_is_hostile_or_wrong_stops_nobody(
    driver: Driver, server: MailServer, source: str, why: str
) -> None:
    story = deployed(driver, "order.txt", source, x=[1])

    assert (len(story.tries()), server.given) == (1, [])
    assert why in story.incidents()[0].message and "order.txt" in story.incidents()[0].message


# ---- what an upload is refused for ---------------------------------------------------------------------------------


def refused(driver: Driver, files: dict[str, bytes]) -> list[str]:
    with pytest.raises(Invalid) as cause:
        driver.do(definitions.deploy, files, by=ROOT)
    return [f"{problem.place.file}, line {problem.place.line}: {problem.message}" for problem in cause.value.problems]


@pytest.mark.parametrize(
    ("send", "said"),
    [
        (task(to=""), "there is no to"),
        (task(subject=""), "there is none"),
        (task(""), "there is neither"),
        (task(template="a.txt"), "there are both"),
        (task("", template="a.txt"), 'a template "a.txt" in the upload, but there is none'),
        (task("", template="a.docx"), 'a template "a.docx"'),
        (task(colour="red"), "there is colour"),
        (task(HELLO + "<procession:colour/>"), "there is colour"),
        (task(HELLO + HELLO), "one text at most"),
        (task("<procession:html><p>x</p></procession:html>"), "CDATA"),
        (task('<procession:text lang="en">x</procession:text>'), "no attributes"),
        (task(HELLO + "<procession:attachment>${a}</procession:attachment>"), "to have a name"),
        (task(HELLO + '<procession:attachment name="a">text</procession:attachment>'), "one ${...}"),
        (task(HELLO + '<procession:error code="E"/>'), "a code and a condition"),
        (task(to="${a b}"), ""),
        (task(subject="${a"), "closes ${"),
        (task("<procession:text>${import os}</procession:text>"), ""),
        (task(more='camunda:topic="t"'), "there are both"),
        (task().replace("sendTask", "userTask"), "Only service, send and business rule tasks"),
    ],
)
def test_a_mail_that_makes_no_sense_is_refused_at_upload(driver: Driver, send: str, said: str) -> None:
    problems = refused(driver, {"p.bpmn": document(drawn(send))})
    assert any(said in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (b"a\n{% if %}", "order.html, line 2"),
        (b"{{ a", "Expected Jinja's language, but"),
        (b"\n\n{% include 'x' %}", "order.html, line 3"),
        (b"{% extends 'x' %}", "cannot bring in other files"),
        (b"\xff", "Expected a template in UTF-8"),
        (b"x" * 300_000, "at most 200,000 bytes"),
        (b"{{" + b"(" * 50_000, "too many parts"),
        (b"\n{{ a" + b".b" * 90_000 + b" }}", "order.html, line 2: The template has too many parts"),
        (b"{{ " + b"1" * 90_000 + b" }}", "Expected Jinja's language, but"),
    ],
)
def test_a_template_that_cannot_be_read_is_refused_by_its_line(driver: Driver, source: bytes, said: str) -> None:
    files = {"order.html": source, "p.bpmn": document(drawn(task("", template="order.html")))}
    problems = refused(driver, files)
    assert any(said in problem for problem in problems), problems


def test_a_page_that_no_mail_names_is_still_refused(driver: Driver) -> None:
    (problem,) = refused(driver, {"p.bpmn": document(drawn(task())), "page.html": b"<html></html>"})
    assert "a web page" in problem


# ---- the protocol --------------------------------------------------------------------------------------------------


def test_words_of_a_server_are_shown_in_one_line() -> None:
    refusal = smtp.Refusal(smtp._reply(550, b"no\r\nsuch \xff user"), ["SMTPDataError"])
    assert (str(refusal.reply), refusal.retryable) == ("550 no such \ufffd user", False)
    assert {"550", "5xx", "SMTPDataError"} <= set(refusal.names)
