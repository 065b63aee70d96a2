"""The web application: pages over the engine's verbs."""

from __future__ import annotations

from types import ModuleType

from flask import Flask

from engine import Engine, Settings
from web import (
    access_tokens,
    accounts,
    addresses,
    admin,
    api,
    assets,
    auth,
    callbacks,
    compare,
    compression,
    context,
    data_stores,
    deliveries,
    drafts,
    errors,
    filters,
    health,
    inbox,
    instances,
    messages,
    people,
    processes,
    repairs,
    rules,
    security,
    services,
    start,
    user_tasks,
    watch,
    webhooks,
)

_WIRED: tuple[ModuleType, ...] = (
    watch,
    addresses,
    security,
    context,
    auth,
    errors,
    assets,
    compression,
    people,
    filters,
    api,
)
_PAGES: tuple[ModuleType, ...] = (
    auth,
    inbox,
    user_tasks,
    start,
    processes,
    drafts,
    compare,
    rules,
    instances,
    admin,
    messages,
    webhooks,
    data_stores,
    accounts,
    access_tokens,
    callbacks,
    deliveries,
    repairs,
    services,
    health,
)


def create_app(source: Engine | Settings) -> Flask:
    """Make the application over an engine; given settings, it makes an engine of its own."""
    app = Flask(__name__)
    app.extensions[context.KEY] = source if isinstance(source, Engine) else Engine(source)
    for part in _WIRED:
        part.init_app(app)
    for page in _PAGES:
        app.register_blueprint(page.bp)
    return app
