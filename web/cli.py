"""The command line: the engine's commands, and `run`, which serves the pages with a worker inside."""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import click
from flask import Flask
from waitress.server import create_server

from engine import Engine, EngineError, Settings
from engine.cli import main, watched_settings
from web import create_app, demo, demo_services, security

__all__ = ["main"]

HTTP_THREADS = 16
LOOPBACK = "127.0.0.0/8"


@main.command()
@click.option(
    "--demo",
    "with_demo",
    is_flag=True,
    help="On an empty database make the demonstration: accounts, examples, open tasks.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for every network.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--worker/--no-worker", "with_worker", default=None, help="Whether to run jobs here, too; with a broker not."
)
@click.option("--proxy", help="Address of a reverse proxy whose X-Forwarded headers are believed.")
@click.option(
    "--services-port", default=0, type=click.IntRange(0, 65535), help="Of the demo services; 0 is a free one."
)
def run(
    *, with_demo: bool, host: str, port: int, with_worker: bool | None, proxy: str | None, services_port: int
) -> None:
    """Serve the pages, with a worker in the same process; migrates the database first."""
    with Engine(_settings(with_demo=with_demo)) as engine:
        services_at = _start_services(services_port) if with_demo else ""
        app = _ready(engine, services_at)
        server = _listen(app, host=host, port=port, **_limits(), **_trust(proxy))
        address = f"http://{host}:{server.effective_port}"
        if with_demo:
            _tell_own_address(engine, address)
        _start_work(engine, with_worker)
        signal.signal(signal.SIGTERM, _stopper(engine))
        try:
            _greet(address, services_at)
            server.run()  # until SIGTERM or SIGINT; the requests at hand are finished
        finally:
            server.close()
    click.echo("Stopped.")


def _start_work(engine: Engine, with_worker: bool | None) -> None:
    """Nobody asked: jobs run here unless a broker carries them to others."""
    if with_worker or (with_worker is None and not engine.settings.broker_url):
        engine.start_worker()
    else:
        engine.start_sending()


@main.command("demo-services")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=demo_services.PORT, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--file", default=demo_services.FILE, show_default=True, type=click.Path(path_type=Path), help="Of their ledger."
)
def serve_demo_services(*, host: str, port: int, file: Path) -> None:
    """Serve what the examples call by HTTP: a bank, a CRM and others, with switches to make them fail."""
    server = _services(file, host=host, port=port)
    click.echo(f"The demo services are at {demo_services.address(server)} (stop with Ctrl+C)")
    server.run()


def _start_services(port: int) -> str:
    """Beside the pages; gives their address."""
    server = _services(demo_services.FILE, host="127.0.0.1", port=port)
    demo_services.start(server)
    return demo_services.address(server)


def _services(file: Path, *, host: str, port: int) -> Any:
    try:
        return demo_services.listen(file, host=host, port=port)
    except OSError as cause:
        message = f"Expected {host}:{port} to be free, but: {cause.strerror}. Choose another port."
        raise click.ClickException(message) from cause


def _tell_own_address(engine: Engine, address: str) -> None:
    """So that services find us: the port may be known by now only."""
    engine.settings = replace(engine.settings, public_url=engine.settings.public_url or address)


def _ready(engine: Engine, services_at: str) -> Flask:
    """The application over a database that has our tables and, with demo services, the demonstration."""
    try:
        engine.migrate()
        if services_at:
            demo.prepare(engine, services_at)
        return create_app(engine)
    except (EngineError, ValueError) as wrong:
        raise click.ClickException(str(wrong)) from wrong


def _settings(*, with_demo: bool) -> Settings:
    settings = watched_settings()
    return _demo_settings(settings) if with_demo else settings


def _demo_settings(settings: Settings) -> Settings:
    """Its services are on this machine, which nothing else may call."""
    services, private = (*settings.services, *demo.services()), (*settings.http_private, LOOPBACK)
    return replace(settings, services=services, http_private=private)


def _listen(app: Flask, *, host: str, port: int, **options: Any) -> Any:
    try:
        return create_server(app, host=host, port=port, threads=HTTP_THREADS, **options)
    except OSError as cause:
        message = f"Expected {host}:{port} to be free, but: {cause.strerror}. Choose another by --port."
        raise click.ClickException(message) from cause


def _limits() -> dict[str, Any]:
    """The application refuses what is too large with a page; waitress only cuts off what is far beyond that.

    It looks ahead on a connection whose request goes on, for else it does not see that the client has hung up.
    """
    most = 4 * security.MAX_UPLOAD_BYTES
    return {"max_request_body_size": most, "ident": None, "channel_timeout": 60, "channel_request_lookahead": 1}


def _trust(proxy: str | None) -> dict[str, Any]:
    if proxy is None:
        return {}
    headers = {"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"}
    return {"trusted_proxy": proxy, "trusted_proxy_headers": headers, "clear_untrusted_proxy_headers": True}


def _stopper(engine: Engine) -> Callable[[int, FrameType | None], None]:
    def stop(_signal: int, _frame: FrameType | None) -> None:
        """Who waits for work gets none, so that the requests at hand end soon."""
        engine.bell.close()
        raise SystemExit

    return stop


def _greet(address: str, services_at: str) -> None:
    click.echo(f"Procession is at {address} (stop with Ctrl+C)")
    if services_at:
        click.echo(f"The services that the examples call are at {services_at}: make them slow, failing or dead there.")
        click.echo("Sign in with one of:")
        for one in demo.people():
            about = ", ".join([*one.roles, *one.groups])
            click.echo(f"  {one.id:<6} {one.password:<18} {about}")
    else:
        click.echo("The first account: procession user add NAME --role admin")
