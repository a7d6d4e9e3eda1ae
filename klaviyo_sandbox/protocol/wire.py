"""Direct use of the socket: replies sent byte by byte or with exact headers, or not at all."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from threading import Event

from flask import Request, Response


def drop(request: Request) -> Response:
    """Close the connection, and return a response that is never sent."""
    connection = _connection(request)
    if connection:
        with suppress(OSError):  # the client may have closed it already
            # Not close(): the server still uses the socket when it cleans up.
            connection.shutdown(socket.SHUT_RDWR)
    return Response(_abort())


def drip(
    request: Request, response: Response, pause: float, cancelled: Event, *, headers_too: bool
) -> Response:
    """Send the response with a pause (seconds) after each byte of the body.

    With `headers_too`, there is a pause after each byte of the headers as well. Ends early when the
    client disconnects or `cancelled` is set.
    """
    connection = _connection(request)
    head, body = _head(response), response.get_data()
    if connection:
        with suppress(OSError):  # a client with a timeout disconnects
            connection.sendall(b"" if headers_too else head)
            for byte in head + body if headers_too else body:
                connection.sendall(bytes((byte,)))
                if cancelled.wait(pause):
                    break
    return drop(request)


def send_as_is(request: Request, response: Response) -> Response:
    """Send the response with exactly its own headers. The server would add a second `Date`."""
    connection = _connection(request)
    if connection is None:
        return response
    with suppress(OSError):
        connection.sendall(_head(response) + response.get_data())
    return drop(request)


def _connection(request: Request) -> socket.socket | None:
    connection: socket.socket | None = request.environ.get("werkzeug.socket")
    return connection


def _head(response: Response) -> bytes:
    phrase = HTTPStatus(response.status_code).phrase
    lines = [f"HTTP/1.1 {response.status_code} {phrase}"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")


def _abort() -> Iterator[bytes]:
    raise ConnectionAbortedError("closed by a simulated failure")
    yield b""  # makes this a generator: the error is raised when the response is sent
