"""HTTP connections that go only where they may: the address that is dialled is looked at, not the name it had before.

A name may stand for a public address when it is looked up first, and for one of ours when it is dialled.
"""

from __future__ import annotations

import atexit
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NoReturn

import httpcore
import httpx

CONNECT_SECONDS = 5
MOST_CONNECTIONS = 100

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Refused(httpx.TransportError):
    """We do not connect there."""


def client(private: tuple[str, ...], ca_file: str) -> httpx.Client:
    """One for all calls of a process. private: networks of ours that may be called. ca_file: "" or whom else to trust.

    Nothing of the environment counts, and no redirect is followed.
    """
    with _making:  # first calls come many at once, and each would make one
        return _made(private, ca_file)


_making = threading.Lock()


@lru_cache(8)
def _made(private: tuple[str, ...], ca_file: str) -> httpx.Client:
    trusted = ssl.create_default_context(cafile=ca_file or None)
    made = httpx.Client(transport=_Transport(private, trusted), trust_env=False, follow_redirects=False)
    atexit.register(made.close)
    return made


class _Transport(httpx.BaseTransport):
    """httpx on connections of httpcore that are dialled by us."""

    def __init__(self, private: tuple[str, ...], trusted: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=trusted, network_backend=_Dialler(private), max_connections=MOST_CONNECTIONS, keepalive_expiry=5
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        sent = httpcore.Request(
            request.method, url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
        )
        try:
            answer = self._pool.handle_request(sent)
        except _ERRORS as cause:
            raise _told(cause) from cause
        stream = _Stream(answer.stream)
        return httpx.Response(answer.status, headers=answer.headers, stream=stream, extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, parts: Any) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._parts
        except _ERRORS as cause:
            raise _told(cause) from cause

    def close(self) -> None:
        self._parts.close()


_ERRORS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol)


def _told(cause: Exception) -> httpx.TransportError:
    """The same in httpx's words, which have the same names."""
    kind: type[httpx.TransportError] = getattr(httpx, type(cause).__name__, httpx.TransportError)
    return kind(str(cause))


class _Dialler(httpcore.SyncBackend):
    def __init__(self, private: Iterable[str]) -> None:
        self._private = [ipaddress.ip_network(network) for network in private]

    def connect_tcp(self, host: str, port: int, *arguments: Any, **options: Any) -> httpcore.NetworkStream:
        """Every address of a name has to be one that may be called. Raises Refused."""
        found = _addresses(host, port)
        for address in found:
            if not self._may_call(address):
                raise Refused(f"{host} is {address}, which is no public address and no network that may be called")
        return super().connect_tcp(str(found[0]), port, *arguments, **options)

    def connect_unix_socket(self, *_arguments: Any, **_options: Any) -> NoReturn:
        raise Refused("it is no address on a network")

    def _may_call(self, address: Address) -> bool:
        inner = _inner(address)
        return _is_public(inner) or any(inner in network for network in self._private)


def _addresses(host: str, port: int) -> list[Address]:
    """Raises httpx.ConnectError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as cause:
        raise httpx.ConnectError(f"the address of {host} is not known") from cause
    return [ipaddress.ip_address(str(each[4][0]).partition("%")[0]) for each in found]


def _inner(address: Address) -> Address:
    """The address of version 4 that one of version 6 stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo and teredo[1]) or address


def _is_public(address: Address) -> bool:
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
