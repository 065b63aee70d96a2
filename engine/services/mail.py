"""Mails: one try, from what the diagram says to the record of how it went."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable

from engine import circuits, execution, incidents, secrets, values
from engine.bpmn.elements.flow_node import text_of
from engine.bpmn.elements.mail_task import Letter
from engine.bpmn.script import ScriptFailed, constant
from engine.config import Settings
from engine.errors import BpmnError, ServiceFailed
from engine.jobs import Handler, Job, Told
from engine.model import Json
from engine.model.people import SYSTEM
from engine.services import smtp
from engine.services.answers import Outcome
from engine.services.http import conclude, masked, masked_failure
from engine.services.letters import Mail, written
from engine.transaction import Store, Transaction


def _call(store: Store, job: Job, told: Told) -> Outcome:
    """The slow part. May run twice after a crash: the mail has the same Message-ID then, by which receivers know it."""
    _require_server(store.settings)
    with store.reading(SYSTEM) as tx:
        letter, password = _letter(tx, job), _password(tx)
    mail = written(store.settings, letter, _key(job), store.clock.now())
    told.request = mail.told
    try:
        reply = _sent(store.settings, mail, password)
    except smtp.Refusal as refusal:
        told.answer = str(refusal.reply)
        return _mapped(store, letter, told, refusal)
    told.answer = str(reply)
    result: Json = {"message_id": mail.id, "status": reply.status, "body": reply.words}
    return Outcome({letter.result_variable: result} if letter.result_variable else {})


def _sent(settings: Settings, mail: Mail, password: str) -> smtp.Reply:
    """Raises ServiceFailed. The server's words may repeat what is secret: here they lose it."""
    hidden = _forms_of(settings, password)
    try:
        reply = smtp.send(settings, mail, password)
    except smtp.Refusal as refusal:
        said = smtp.Reply(refusal.reply.status, masked(refusal.reply.words, hidden))
        raise smtp.Refusal(said, refusal.names, refusal.refused) from None
    except ServiceFailed as failure:
        raise masked_failure(failure, hidden) from None
    return smtp.Reply(reply.status, masked(reply.words, hidden))


# ---- what is sent --------------------------------------------------------------------------------------------------


def _require_server(settings: Settings) -> None:
    for name in ("smtp_host", "smtp_from"):
        if not getattr(settings, name):
            message = f"Expected PROCESSION_{name.upper()} to be set, but it is empty. Set it, then try again."
            raise ServiceFailed(message, retryable=False)


def _letter(tx: Transaction, job: Job) -> Letter:
    """What the diagram asks for, with the variables as they are now. Raises ServiceFailed."""
    try:
        return execution.look(tx, job.instance_id or 0).letter(job.token or "")
    except ScriptFailed as cause:
        raise ServiceFailed(f"What is to be sent cannot be told. {cause}", retryable=False) from cause


def _key(job: Job) -> str:
    """The same over all tries of one visit, and of no other: a token's id is never given twice."""
    return re.sub(r"[^A-Za-z0-9.]", ".", f"{job.instance_id}.{job.token}")


def _password(tx: Transaction) -> str:
    settings = tx.store.settings
    return secrets.reveal(tx, settings.smtp_secret) if settings.smtp_secret else settings.smtp_password


def _forms_of(settings: Settings, password: str) -> Iterable[str]:
    """As which a password goes over the wire."""
    if not password:
        return ()
    plain = f"\0{settings.smtp_user}\0{password}"
    return (password, *(b64encode(text.encode()).decode() for text in (password, plain)))


# ---- what a refusal means ------------------------------------------------------------------------------------------


def _mapped(store: Store, letter: Letter, told: Told, refusal: smtp.Refusal) -> Outcome:
    """An error of the diagram, if there is one for it; else it is raised again."""
    error = _error(store, letter, refusal)
    if error is None:
        raise refusal
    told.error = error.code
    return Outcome(error=error)


def _error(store: Store, letter: Letter, refusal: smtp.Refusal) -> BpmnError | None:
    """That of the first mapping whose condition holds."""
    about: dict[str, Json] = {"status": refusal.reply.status, "body": refusal.reply.words}
    seen = {**letter.seen, **about, "refused": list(refusal.refused)}
    for mapped in letter.call.errors:
        if _value(store, mapped.condition, seen):
            message = _value(store, mapped.message, seen)
            return BpmnError(mapped.code, "" if message is None else text_of(message))
    return None


def _value(store: Store, source: str, seen: dict[str, Json]) -> Json:
    known = constant(source)
    if known is not None:
        return known[0]
    try:
        return store.evaluator.evaluate(source, seen, store.clock.now())
    except ScriptFailed as cause:
        message = values.shown(f"What the answer of the mail server means cannot be told. {cause}", 1_000)
        raise ServiceFailed(message, retryable=False, names=["Mapping"], is_up=True) from cause


# ---- the state -----------------------------------------------------------------------------------------------------


def _record(tx: Transaction, job: Job, outcome: object) -> None:
    """A second run is harmless: the first deleted the job with the wait it stood for."""
    assert isinstance(outcome, Outcome)
    circuits.passed(tx, job.topic)
    conclude(tx, job, outcome)


HANDLER = Handler(call=_call, finish=_record, gave_up=incidents.give_up, failed=circuits.failed)
