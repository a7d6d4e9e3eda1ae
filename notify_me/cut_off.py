"""Cuts a request of requests' off at a moment, however its reply drips."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

_thread = threading.local()


class _Watch:
    """The socket that this thread's request waits on."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None

    def cut(self) -> None:
        """End the wait: the reader gets an end of file."""
        if self.socket is not None:
            with suppress(OSError):
                self.socket.shutdown(socket.SHUT_RDWR)


@contextmanager
def cut_off_after(seconds: float) -> Iterator[None]:
    """Shut the socket of whatever this thread requests through a `WatchedAdapter`, after so
    many seconds; the request then fails as on a dropped connection.
    """
    watch = _thread.watch = _Watch()
    timer = threading.Timer(seconds, watch.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        watch.socket = None
        _thread.watch = None


def _watch(connection: HTTPConnection) -> None:
    watch = getattr(_thread, "watch", None)
    if watch is not None:
        watch.socket = connection.sock


class _WatchedHTTP(HTTPConnection):
    def getresponse(self) -> Any:
        _watch(self)
        return super().getresponse()


class _WatchedHTTPS(HTTPSConnection):
    def getresponse(self) -> Any:
        _watch(self)
        return super().getresponse()


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTP


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPS


class WatchedAdapter(HTTPAdapter):
    """An `HTTPAdapter` whose connections `cut_off_after` can end."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use the watched kinds of connection."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}
