"""Trouble below HTTP: replies that drip byte by byte, and connections that end without one."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from threading import Event

from flask import Request, Response


class Severed(Response):
    """No reply: the server finds the connection broken when it comes to send this."""

    def __init__(self) -> None:
        super().__init__(_break())


def drop(request: Request) -> Response:
    """Close the connection without a reply."""
    connection = _connection(request)
    if connection:
        # the client may have been quicker
        with suppress(OSError):
            # not close(): the server still looks at the socket when it tidies up
            connection.shutdown(socket.SHUT_RDWR)
    return Severed()


def drip(
    request: Request, response: Response, pause: float, life: Event, *, headers_too: bool
) -> Response:
    """Send the response with a pause after each byte of its body, or of its headers as well.

    Ends early when the client hangs up, or with `life`.
    """
    connection = _connection(request)
    head, body = _head(response), response.get_data()
    at_once, slowly = (b"", head + body) if headers_too else (head, body)
    if connection:
        # a client with a deadline hangs up, as it should
        with suppress(OSError):
            _send_slowly(connection, at_once, slowly, pause, life)
    return drop(request)


def send_as_is(request: Request, response: Response) -> Response:
    """Send the response with the headers that it has: the server would add a `Date` of its own."""
    connection = _connection(request)
    if connection is None:
        return response
    with suppress(OSError):
        connection.sendall(_head(response) + response.get_data())
    return drop(request)


def _send_slowly(
    connection: socket.socket, at_once: bytes, slowly: bytes, pause: float, life: Event
) -> None:
    connection.sendall(at_once)
    for byte in slowly:
        connection.sendall(bytes((byte,)))
        if life.wait(pause):
            return


def _connection(request: Request) -> socket.socket | None:
    connection: socket.socket | None = request.environ.get("werkzeug.socket")
    return connection


def _head(response: Response) -> bytes:
    phrase = HTTPStatus(response.status_code).phrase
    lines = [f"HTTP/1.1 {response.status_code} {phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def _break() -> Iterator[bytes]:
    raise ConnectionAbortedError("severed by a drill")
    yield b""  # makes this a generator, so that it breaks when it is sent and not before
