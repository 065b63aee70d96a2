"""A site for page tests, on each database, and people who are signed in to it."""

from __future__ import annotations

import pytest

from engine import Engine
from tests.site import Site, Visitor, add_cast


@pytest.fixture
def site(engine: Engine) -> Site:
    add_cast(engine)
    return Site.over(engine)


@pytest.fixture
def ana(site: Site) -> Visitor:
    """An analyst of the group clerks."""
    return site.visitor("ana")


@pytest.fixture
def ben(site: Site) -> Visitor:
    """An approver of the group managers."""
    return site.visitor("ben")


@pytest.fixture
def root(site: Site) -> Visitor:
    """An administrator."""
    return site.visitor("root")
