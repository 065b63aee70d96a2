"""Accounts: who may sign in, and who may manage them."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Barrier, Thread

import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from engine import accounts
from engine.config import Settings
from engine.errors import Conflict, Forbidden, InvalidValues, NotFound
from engine.model.people import SYSTEM, Account, Actor, Right, Role
from engine.storage.tables import AccountRow
from engine.worker import Engine
from tests.conftest import Cast

PASSWORD = "correct horse"


def add(engine: Engine, id: str = "ana", **details: object) -> Account:
    given = {"name": id[:20].title() or "Ana", "password": PASSWORD, **details}
    with engine.transaction(SYSTEM) as tx:
        return accounts.add(tx, id, **given)


def change(engine: Engine, id: str, by: Actor = SYSTEM, **details: object) -> Account:
    given = {"name": id.title(), "email": "", "roles": (), "groups": (), "is_active": True, **details}
    with engine.transaction(by) as tx:
        return accounts.change(tx, id, **given)


def verify(engine: Engine, id: str, password: str) -> Account | None:
    with engine.reading(Actor("nobody")) as tx:
        return accounts.verify(tx, id, password)


# ---- signing in ----------------------------------------------------------------------------------------------------


def test_an_account_signs_in_with_its_password(engine: Engine) -> None:
    made = add(engine, name=" Ana Lind ", email="ana@example.org", roles=[Role.APPROVER], groups=["clerks", "clerks"])

    assert verify(engine, "ana", PASSWORD) == made
    assert (made.name, made.email, made.is_active, made.session_version) == ("Ana Lind", "ana@example.org", True, 1)
    assert (made.roles, made.groups) == ({Role.APPROVER}, {"clerks"})


@pytest.mark.parametrize(
    ("id", "password"), [("ana", "wrong horse"), ("nobody", PASSWORD), ("a\0na", PASSWORD), ("", "")]
)
def test_a_wrong_name_or_password_is_refused(engine: Engine, id: str, password: str) -> None:
    add(engine)

    assert verify(engine, id, password) is None


def test_an_unknown_name_costs_a_hash_as_well(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    monkeypatch.setattr(accounts, "_is_password", lambda hash, password: bool(checked.append(hash)))

    assert verify(engine, "nobody", PASSWORD) is None
    (dummy,) = checked
    assert not accounts._HASHER.check_needs_rehash(dummy)


def test_an_inactive_account_does_not_sign_in(engine: Engine) -> None:
    add(engine)
    change(engine, "ana", is_active=False)

    assert verify(engine, "ana", PASSWORD) is None


def test_a_hash_of_older_parameters_is_renewed(engine: Engine) -> None:
    add(engine)
    older = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    with engine.transaction(SYSTEM) as tx:
        tx.session.execute(update(AccountRow).values(password_hash=older))

    assert verify(engine, "ana", PASSWORD) is not None
    with engine.transaction(SYSTEM) as tx:
        assert accounts.has_old_hash(tx, "ana")
        accounts.renew_hash(tx, "ana", "wrong horse")
        assert tx.session.get(AccountRow, "ana").password_hash == older
        accounts.renew_hash(tx, "ana", PASSWORD)

    with engine.reading(SYSTEM) as tx:
        assert not accounts.has_old_hash(tx, "ana")
    assert verify(engine, "ana", PASSWORD).session_version == 1


def test_a_new_password_ends_every_session(engine: Engine) -> None:
    add(engine)
    with engine.transaction(Actor("ana")) as tx:
        accounts.set_password(tx, "ana", "another horse")
        assert accounts.get(tx, "ana").session_version == 2

    assert verify(engine, "ana", PASSWORD) is None
    assert verify(engine, "ana", "another horse").session_version == 2


def test_only_administrators_set_the_password_of_others(engine: Engine, cast: Cast) -> None:
    add(engine)

    with pytest.raises(Forbidden), engine.transaction(cast.ben) as tx:
        accounts.set_password(tx, "ana", "another horse")
    with engine.transaction(cast.root) as tx:
        accounts.set_password(tx, "ana", "another horse")
    with pytest.raises(NotFound), engine.transaction(cast.root) as tx:
        accounts.set_password(tx, "nobody", "another horse")

    assert verify(engine, "ana", "another horse")


# ---- rules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"id": "Ana"}, "id"),
        ({"id": ""}, "id"),
        ({"id": "ana maria"}, "id"),
        ({"id": "a" * 201}, "id"),
        ({"name": "  "}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"email": "ana"}, "email"),
        ({"email": f"ana@{'a' * 400}"}, "email"),
        ({"password": "9 letters"}, "password"),
        ({"password": "a" * 1001}, "password"),
        ({"groups": ["clerks", " "]}, "groups"),
    ],
)
def test_details_that_break_a_rule_are_refused_by_name(engine: Engine, wrong: dict[str, object], key: str) -> None:
    with pytest.raises(InvalidValues, match="Expected") as refused:
        add(engine, **wrong)

    assert list(refused.value.errors) == [key]


def test_ids_may_be_addresses(engine: Engine) -> None:
    assert add(engine, "ana.lind_2@example-a.org").id == "ana.lind_2@example-a.org"


def test_a_demonstration_may_have_short_passwords(engine: Engine) -> None:
    add(engine, password="demo", is_demo=True)

    assert verify(engine, "ana", "demo")


def test_an_id_is_taken_once(engine: Engine) -> None:
    add(engine)

    with pytest.raises(Conflict, match="Expected ana to be free"):
        add(engine)


# ---- managing ------------------------------------------------------------------------------------------------------


def test_managing_needs_the_right(engine: Engine, cast: Cast) -> None:
    add(engine)

    with engine.reading(cast.ben) as tx:
        for refused in (
            lambda: accounts.add(tx, "mia", name="Mia", password=PASSWORD),
            lambda: accounts.change(tx, "ana", name="A", email="", roles=(), groups=(), is_active=True),
            lambda: accounts.get(tx, "ana"),
            lambda: accounts.find(tx),
            lambda: accounts.groups(tx),
        ):
            with pytest.raises(Forbidden):
                refused()


def test_a_change_replaces_all_but_the_password(engine: Engine) -> None:
    add(engine, roles=[Role.APPROVER], groups=["clerks"])

    changed = change(engine, "ana", name="Ana B", email="a@b", roles=[Role.ANALYST], groups=["managers", "clerks"])

    assert changed == Account("ana", "Ana B", "a@b", True, {Role.ANALYST}, {"clerks", "managers"}, 1)
    assert verify(engine, "ana", PASSWORD) == changed
    with pytest.raises(NotFound):
        change(engine, "nobody")
    with pytest.raises(InvalidValues):
        change(engine, "ana", name="")


def test_roles_become_rights(engine: Engine) -> None:
    assert add(engine, roles=[Role.ADMIN], groups=["clerks"]).actor == Actor("ana", {"clerks"}, set(Right))
    assert add(engine, "ben").actor == Actor("ben")


@pytest.mark.parametrize("dismissal", [{"is_active": False, "roles": [Role.ADMIN]}, {"roles": [Role.ANALYST]}])
def test_the_last_active_administrator_stays(engine: Engine, dismissal: dict[str, object]) -> None:
    add(engine, "root", roles=[Role.ADMIN])
    add(engine, "mia", roles=[Role.ADMIN, Role.ANALYST])
    change(engine, "mia", roles=[Role.ADMIN], is_active=False)
    change(engine, "mia", is_active=False)

    with pytest.raises(Conflict, match="Expected another active administrator beside root"):
        change(engine, "root", **dismissal)

    change(engine, "mia", roles=[Role.ADMIN])
    assert change(engine, "root", **dismissal).actor.id == "root"


@pytest.fixture
def shared(migrated_url: str) -> Iterator[Engine]:
    with Engine(Settings(database_url=migrated_url)) as engine:
        yield engine


def test_two_administrators_cannot_dismiss_each_other_at_once(shared: Engine) -> None:
    for id in ("mia", "root"):
        add(shared, id, roles=[Role.ADMIN])
    start, outcomes = Barrier(2), []

    def dismiss(id: str) -> None:
        start.wait()
        try:
            outcomes.append(change(shared, id).roles)
        except Conflict:
            outcomes.append("refused")

    threads = [Thread(target=dismiss, args=[id]) for id in ("mia", "root")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(str, outcomes)) == ["frozenset()", "refused"]


# ---- finding -------------------------------------------------------------------------------------------------------


def test_accounts_are_found_by_part_of_id_name_or_address(engine: Engine) -> None:
    add(engine, "ana", name="Ana Lind", groups=["clerks"])
    add(engine, "ben", name="Ben 100%", email="ben@lind.example")
    add(engine, "mia", name="Mia")

    with engine.reading(SYSTEM) as tx:
        assert [account.id for account in accounts.find(tx).rows] == ["ana", "ben", "mia"]
        assert [account.id for account in accounts.find(tx, "LIND").rows] == ["ana", "ben"]
        assert [account.id for account in accounts.find(tx, "0%").rows] == ["ben"]
        assert accounts.find(tx, "\0nobody").rows == ()
        page = accounts.find(tx, limit=1, offset=1)
        assert ([account.id for account in page.rows], page.total, page.has_next) == (["ben"], 3, True)
        assert accounts.find(tx, "ana").rows[0].groups == {"clerks"}


def test_groups_are_counted(engine: Engine) -> None:
    add(engine, "ana", groups=["clerks"])
    add(engine, "ben", groups=["clerks", "managers"])

    with engine.reading(SYSTEM) as tx:
        assert accounts.groups(tx) == [("clerks", 2), ("managers", 1)]


def test_everybody_may_pick_a_colleague(engine: Engine, cast: Cast) -> None:
    add(engine, "ana", name="Zoe")
    add(engine, "ben", name="Ben")
    add(engine, "mia")
    change(engine, "mia", is_active=False)

    with engine.reading(cast.eve) as tx:
        assert accounts.names(tx) == [("ben", "Ben"), ("ana", "Zoe")]
        assert accounts.names(tx, "zo") == [("ana", "Zoe")]


def test_ones_own_account_is_open_to_oneself(engine: Engine, cast: Cast) -> None:
    add(engine)

    with engine.reading(cast.ana) as tx:
        assert accounts.get(tx, "ana").name == "Ana"
    with engine.reading(cast.eve) as tx, pytest.raises(NotFound):
        accounts.get(tx, "eve")
