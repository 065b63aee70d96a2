"""The command line: the engine's commands, and `run`, which serves the pages with a worker inside."""

from __future__ import annotations

import signal
from dataclasses import replace
from types import FrameType
from typing import Any

import click
from flask import Flask
from waitress.server import create_server

from engine import Engine, EngineError, Settings
from engine.cli import main
from web import create_app, demo, security

__all__ = ["main"]

HTTP_THREADS = 16


@main.command()
@click.option(
    "--demo",
    "with_demo",
    is_flag=True,
    help="On an empty database make the demonstration: accounts, examples, open tasks.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for every network.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--proxy", help="Address of a reverse proxy whose X-Forwarded headers are believed.")
def run(*, with_demo: bool, host: str, port: int, proxy: str | None) -> None:
    """Serve the pages, with a worker in the same process; migrates the database first."""
    with Engine(_settings(with_demo=with_demo)) as engine:
        app = _ready(engine, with_demo=with_demo)
        server = _listen(app, host=host, port=port, **_limits(), **_trust(proxy))
        engine.start_worker()
        signal.signal(signal.SIGTERM, _stop)
        try:
            _greet(f"http://{host}:{server.effective_port}", with_demo=with_demo)
            server.run()  # until SIGTERM or SIGINT; the requests at hand are finished
        finally:
            server.close()
    click.echo("Stopped.")


def _ready(engine: Engine, *, with_demo: bool) -> Flask:
    """The application over a database that has our tables and, if asked for, the demonstration."""
    try:
        engine.migrate()
        if with_demo:
            demo.prepare(engine)
        return create_app(engine)
    except (EngineError, ValueError) as wrong:
        raise click.ClickException(str(wrong)) from wrong


def _settings(*, with_demo: bool) -> Settings:
    try:
        settings = Settings.from_environment()
    except ValueError as wrong:
        raise click.ClickException(str(wrong)) from wrong
    return replace(settings, services=(*settings.services, *demo.services())) if with_demo else settings


def _listen(app: Flask, *, host: str, port: int, **options: Any) -> Any:
    try:
        return create_server(app, host=host, port=port, threads=HTTP_THREADS, **options)
    except OSError as cause:
        message = f"Expected {host}:{port} to be free, but: {cause.strerror}. Choose another by --port."
        raise click.ClickException(message) from cause


def _limits() -> dict[str, Any]:
    """The application refuses what is too large with a page; waitress only cuts off what is far beyond that."""
    return {"max_request_body_size": 4 * security.MAX_UPLOAD_BYTES, "ident": None, "channel_timeout": 60}


def _trust(proxy: str | None) -> dict[str, Any]:
    if proxy is None:
        return {}
    headers = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
    return {"trusted_proxy": proxy, "trusted_proxy_headers": headers, "clear_untrusted_proxy_headers": True}


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit


def _greet(address: str, *, with_demo: bool) -> None:
    click.echo(f"Procession is at {address} (stop with Ctrl+C)")
    if with_demo:
        click.echo("Sign in with one of:")
        for one in demo.people():
            about = ", ".join([*one.roles, *one.groups])
            click.echo(f"  {one.id:<6} {one.password:<18} {about}")
    else:
        click.echo("The first account: procession user add NAME --role admin")
