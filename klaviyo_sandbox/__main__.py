"""The `klaviyo-sandbox` command: serve the sandbox on this machine until SIGINT or SIGTERM."""

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

from werkzeug.serving import BaseWSGIServer, make_server

from . import Account, create_app, make_account
from .protocol.guards import is_loopback
from .state.sandbox import close
from .state.storage import StorageError

_VARIABLES = {
    "public_key": "KLAVIYO_PUBLIC_KEY",
    "private_key": "KLAVIYO_PRIVATE_KEY",
    "list_id": "KLAVIYO_LIST_ID",
}
logger = logging.getLogger("klaviyo_sandbox")


class StartError(Exception):
    """The sandbox can't start. The message says why, and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="klaviyo-sandbox",
        description="Serve a stand-in for Klaviyo on this machine.",
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="FILE",
        help="store the state in this file, so that it survives a restart "
        "(default: SANDBOX_STATE if set, otherwise in memory)",
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    try:
        _stop_on_signals()
        _serve(os.environ, options.state)
    except KeyboardInterrupt:
        pass
    except (StartError, StorageError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        # Without this, another signal could kill the interpreter during a clean exit.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    return 0


def _stop_on_signals() -> None:
    """Stop on the first signal and ignore later ones: a terminal and a launcher may both send one.

    Calls in progress are abandoned: their threads die with the process.
    """
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            raise KeyboardInterrupt

    # SIGINT also needs a handler: shells start background jobs with SIGINT ignored.
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _serve(environ: Mapping[str, str], state: Path | None) -> None:
    host, port = _address(environ)
    account, generated = _account(environ)
    if state is None and environ.get("SANDBOX_STATE"):
        state = Path(environ["SANDBOX_STATE"])
    app = create_app(account, state=state)
    try:
        # Bound here, since werkzeug's message for a busy port wouldn't name the setting.
        with _bind(host, port) as listener:
            bound_port = listener.getsockname()[1]
            server: BaseWSGIServer = make_server(
                host, bound_port, app, threaded=True, fd=listener.fileno()
            )
        url = f"http://{f'[{host}]' if ':' in host else host}:{server.port}"
        logger.info("Klaviyo sandbox (not Klaviyo itself): %s", url)
        if generated:
            names = ", ".join(generated)
            logger.info("Generated %s: see the account at %s/_sandbox/account", names, url)
        server.serve_forever()
    finally:
        close(app)


def _address(environ: Mapping[str, str]) -> tuple[str, int]:
    host = environ.get("HOST") or "127.0.0.1"
    if not is_loopback(host):
        raise StartError(
            f"HOST is {host!r}, but the sandbox shows its keys to every client, so it only "
            "listens on this machine. Set HOST to 127.0.0.1, ::1 or localhost."
        )
    port = environ.get("SANDBOX_PORT") or "5001"
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise StartError(f"SANDBOX_PORT is {port!r}. Set it to a number from 0 to 65535.")
    return host, int(port)


def _account(environ: Mapping[str, str]) -> tuple[Account, list[str]]:
    """Return the account, and the names of the unset variables, for which values were generated."""
    generated = make_account()
    configured = {name: environ.get(variable, "") for name, variable in _VARIABLES.items()}
    fields: dict[str, Any] = {
        name: value or getattr(generated, name) for name, value in configured.items()
    }
    try:
        account = Account(**fields, sender=environ.get("SANDBOX_SENDER") or generated.sender)
    except ValueError as error:
        raise StartError(f"{error} Check KLAVIYO_PRIVATE_KEY and KLAVIYO_PUBLIC_KEY.") from None
    return account, [variable for name, variable in _VARIABLES.items() if not configured[name]]


def _bind(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                f"Port {port} is already in use: stop the other program, or set SANDBOX_PORT to "
                "a free port."
            ) from None
        raise StartError(
            f"Can't listen on {host}, port {port} ({error.strerror}). Check HOST and SANDBOX_PORT."
        ) from None
    return listener


if __name__ == "__main__":
    sys.exit(main())
