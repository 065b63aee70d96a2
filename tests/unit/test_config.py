"""Settings come from the environment, each by its name in capitals."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields, replace
from datetime import timedelta

import pytest

from engine.config import Settings


def test_an_empty_environment_means_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()


def test_each_kind_of_setting_is_read() -> None:
    settings = Settings.from_environment(
        {
            "PROCESSION_DATABASE_URL": "postgresql://db/procession",
            "PROCESSION_WORKER_THREADS": "8",
            "PROCESSION_POLL_INTERVAL": "0.25",
            "PROCESSION_SERVICES": "shop.services, shop.mail,",
            "OTHER": "thing",
        }
    )

    assert settings == replace(
        Settings(),
        database_url="postgresql://db/procession",
        worker_threads=8,
        poll_interval=timedelta(milliseconds=250),
        services=("shop.services", "shop.mail"),
    )


@pytest.mark.parametrize("name", ["WORKER_THREADS", "LEASE"])
def test_a_text_that_is_no_number_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match=f"Expected PROCESSION_{name} to be a number, but it is 'many'"):
        Settings.from_environment({f"PROCESSION_{name}": "many"})


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("WORKER_THREADS", "0", "to be more than 0, but it is 0"),
        ("POLL_INTERVAL", "-1", "to be more than 0, but it is -1.0"),
        ("LEASE", "nan", "to be a number, but it is 'nan'"),
        ("LEASE", "inf", "to be a number, but it is 'inf'"),
        ("RETRY_JITTER", "1.5", "to be from 0 to 1, but it is 1.5"),
        ("METRICS_PORT", "65536", "to be from 0 to 65535, but it is 65536"),
        ("LOG_FORMAT", "xml", "to be text or json, but it is 'xml'"),
        ("RETRY_FACTOR", "nan", "to be from 1 to 1000, but it is nan"),
        ("TIME_ZONE", "Mars/Olympus", "to be a time zone such as Europe/Lisbon, but it is 'Mars/Olympus'"),
        ("TIME_ZONE", "../etc/passwd", "to be a time zone"),
        ("TIME_ZONE", "", "to be a time zone"),
        ("SMTP_SECURITY", "ssl", "to be one of none, starttls, tls, but it is 'ssl'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(name: str, text: str, wanted: str) -> None:
    with pytest.raises(ValueError, match=f"Expected PROCESSION_{name} {re.escape(wanted)}"):
        Settings.from_environment({f"PROCESSION_{name}": text})


def test_every_setting_can_be_read() -> None:
    texts = {str: "7", int: "7", float: "1", timedelta: "7", tuple: "7"}
    chosen = {"time_zone": "Europe/Lisbon", "log_format": "json", "smtp_security": "tls"}
    own = [field for field in fields(Settings) if field.name not in chosen]
    environment = {f"PROCESSION_{field.name.upper()}": texts[type(getattr(Settings(), field.name))] for field in own}

    chosen_too = {f"PROCESSION_{name.upper()}": text for name, text in chosen.items()}
    read = Settings.from_environment({**environment, **chosen_too})
    expected = {str: "7", int: 7, float: 1.0, timedelta: timedelta(seconds=7), tuple: ("7",)}
    assert {name: getattr(read, name) for name in chosen} == chosen
    for field in own:
        assert getattr(read, field.name) == expected[type(getattr(Settings(), field.name))]


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().worker_threads = 1  # type: ignore[misc]
