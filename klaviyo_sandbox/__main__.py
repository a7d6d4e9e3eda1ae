"""`python -m klaviyo_sandbox`: serve the sandbox on this machine until it is told to stop."""

import argparse
import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, make_server

from . import Account, create_app, make_account
from .protocol.guards import is_loopback
from .state.sandbox import close
from .state.storage import StorageError

_KEYS = {
    "public_key": "KLAVIYO_PUBLIC_KEY",
    "private_key": "KLAVIYO_PRIVATE_KEY",
    "list_id": "KLAVIYO_LIST_ID",
}
logger = logging.getLogger("klaviyo_sandbox")


class StartError(Exception):
    """The sandbox can't start, for a reason that the message tells with its cure."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM, and return the process's exit status."""
    asked = _parser().parse_args(arguments)
    _log_to_stdout()
    try:
        _stop_on_signals()
        _serve(os.environ, asked.state)
    except KeyboardInterrupt:
        pass
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        _ignore_signals()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m klaviyo_sandbox",
        description="Serve a stand-in for Klaviyo on this machine.",
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="keep everything in this file, so that a restart changes nothing "
        "(else SANDBOX_STATE, else in memory)",
    )
    return parser


def _serve(environ: Mapping[str, str], state: Path | None) -> None:
    host, port = _address(environ)
    account, made = _account(environ)
    app = _app(account, state or _state_file(environ))
    try:
        _serve_app(app, host, port, made)
    finally:
        close(app)


def _serve_app(app: Flask, host: str, port: int, made: list[str]) -> None:
    server = _server(host, port, app)
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{server.port}"
    logger.info("Klaviyo sandbox, not Klaviyo itself: %s", url)
    if made:
        logger.info("Made %s. Read the account at %s/_sandbox/account", ", ".join(made), url)
    server.serve_forever()


def _state_file(environ: Mapping[str, str]) -> Path | None:
    given = environ.get("SANDBOX_STATE")
    return Path(given) if given else None


def _app(account: Account, state: Path | None) -> Flask:
    try:
        return create_app(account, state=state)
    except StorageError as error:
        raise StartError(str(error)) from None


def _server(host: str, port: int, app: Flask) -> BaseWSGIServer:
    # bound here, since werkzeug's own words for a busy port name no setting
    with _bound(host, port) as listener:
        return make_server(
            host, listener.getsockname()[1], app, threaded=True, fd=listener.fileno()
        )


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"Port {port} is taken: stop what holds it, or set SANDBOX_PORT to a free one."
            ) from None
        raise StartError(
            f"Can't listen on {host}, port {port} ({error.strerror}): "
            "set HOST or SANDBOX_PORT to one that can be used."
        ) from None
    return listener


def _address(environ: Mapping[str, str]) -> tuple[str, int]:
    host = environ.get("HOST") or "127.0.0.1"
    if not is_loopback(host):
        raise StartError(
            f"HOST is {host!r}: the sandbox shows its keys to whoever asks, so it listens on "
            "this machine alone. Set HOST to 127.0.0.1, ::1 or localhost."
        )
    given = environ.get("SANDBOX_PORT") or "5001"
    if not (given.isascii() and given.isdigit() and int(given) <= 65535):
        raise StartError(f"SANDBOX_PORT is {given!r}: set it to a number from 0 to 65535.")
    return host, int(given)


def _account(environ: Mapping[str, str]) -> tuple[Account, list[str]]:
    """Return the account from the environment, and the names of what had to be made."""
    made = make_account()
    given = {name: environ.get(variable, "") for name, variable in _KEYS.items()}
    parts: dict[str, Any] = {name: given[name] or getattr(made, name) for name in _KEYS}
    parts["sender"] = environ.get("SANDBOX_SENDER") or made.sender
    try:
        account = Account(**parts)
    except ValueError as error:
        raise StartError(f"{error} Look at KLAVIYO_PRIVATE_KEY and KLAVIYO_PUBLIC_KEY.") from None
    return account, [variable for name, variable in _KEYS.items() if not given[name]]


def _log_to_stdout() -> None:
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)


def _stop_on_signals() -> None:
    """Stop on the first signal; a second, as from a terminal and its launcher, changes nothing.

    Nothing waits for calls under way: their threads end with the process.
    """
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            raise KeyboardInterrupt

    # SIGINT too: a shell's background job starts with it ignored
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _ignore_signals() -> None:
    # else one that comes while the interpreter ends would kill it, after a clean stop
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
