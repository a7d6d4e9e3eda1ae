"""`make run`: prepares the shop and starts it, with the sandbox in Klaviyo's place if need be."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import click
from dotenv import load_dotenv
from flask import Flask
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app import ROOT, create_app, flag
from notify_me import SettingsError, current_catalog

from .keys import ADDRESSES, demo_environment, save_addresses, shop_address, wants_sandbox

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))

START_LIMIT = 60
"""Seconds until a process that doesn't answer is given up."""


def main() -> int:
    """Start everything and wait; the exit status is the first process's that ended."""
    load_dotenv(ROOT / ".env", override=False)
    # each migration by name is for whoever types `flask db upgrade`
    logging.getLogger("alembic").setLevel(logging.WARNING)
    given = {"DEMO": "1", **ADDRESSES}
    given |= {name: value for name, value in os.environ.items() if value}
    try:
        demo = flag(given, "DEMO", default="1")
        sandbox = demo and wants_sandbox(given)
        environ = demo_environment(given, ROOT / "instance", create=True) if demo else given
        if demo:
            # for links in what Klaviyo is told, which no request has asked for
            environ.setdefault("SHOP_URL", shop_address(environ))
        app = create_app(environ)
        _check_port(environ["HOST"], environ["PORT"], "PORT")
        if sandbox:
            if environ["SANDBOX_PORT"] == environ["PORT"]:
                raise SettingsError("PORT and SANDBOX_PORT are the same: choose two")
            _check_port("127.0.0.1", environ["SANDBOX_PORT"], "SANDBOX_PORT")
        if demo:
            save_addresses(environ, ROOT / "instance")
        _prepare(app)
    except SettingsError as error:
        print(f"The shop can't start. {error.format_message()}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return _run(app, environ, ("web", "worker", "sandbox") if sandbox else ("web", "worker"))


def _check_port(host: str, port: str, name: str) -> None:
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise SettingsError(f"{name} is {port!r}: set it to a port such as 5050")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError as error:
            hint = " (macOS keeps 5000 for AirPlay)" if port == "5000" else ""
            raise SettingsError(
                f"Port {port} on {host} can't be had{hint}: {error.strerror}. Stop what holds it, "
                f"or choose another: {name}=5050 make run"
            ) from None


def _prepare(app: Flask) -> None:
    """Bring the database up to date, and the catalog into it."""
    with app.app_context():
        try:
            app.extensions["alembic"].upgrade()
        except OperationalError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise SettingsError(f"The database of DATABASE_URL can't be used: {reason}") from None
        app.cli.commands["storefront"].main(
            ["load"], prog_name="flask storefront", standalone_mode=False
        )
        app.extensions["sqlalchemy"].engine.dispose()


def _run(app: Flask, environ: Mapping[str, str], names: Iterable[str]) -> int:
    procfile = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8"))
    bin_folder = Path(sys.executable).parent
    path = {"PATH": f"{bin_folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    manager = Manager(Printer(sys.stdout, colour=sys.stdout.isatty()))
    for name in names:
        own = _sandbox_environment(environ) if name == "sandbox" else {}
        manager.add_process(
            name, procfile.processes[name], env={**environ, **path, **own}, cwd=str(ROOT)
        )
    addresses = {"web": shop_address(environ)}
    if "sandbox" in names:
        addresses["sandbox"] = f"http://127.0.0.1:{environ['SANDBOX_PORT']}"
    ended = threading.Event()
    # a closed terminal ends everything too: honcho minds Ctrl-C and SIGTERM alone
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    threading.Thread(target=_announce, args=(app, addresses, ended), daemon=True).start()
    manager.loop()
    ended.set()
    return int(manager.returncode or 0)


def _sandbox_environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        # HOST is the shop's alone: the sandbox stays on this machine
        "HOST": "127.0.0.1",
        # so that the demo goes on where it was left
        "SANDBOX_STATE": environ.get("SANDBOX_STATE") or str(ROOT / "instance" / "sandbox.db"),
        "SANDBOX_SENDER": environ.get("SANDBOX_SENDER") or "Smirr",
    }


def _announce(app: Flask, addresses: Mapping[str, str], ended: threading.Event) -> None:
    """Say which addresses to open, once all of them answer."""
    probes = [
        addresses["web"] + "/healthz",
        *([addresses["sandbox"]] if "sandbox" in addresses else []),
    ]
    if not all(_wait_for(probe, ended) for probe in probes):
        if not ended.is_set():
            print(f"\n  Nothing answers yet at {addresses['web']}: see above.\n", flush=True)  # noqa: T201
        return
    if "sandbox" in addresses:
        _fill(app)
    line = f"\n  The shop is open at {addresses['web']}"
    if "sandbox" in addresses:
        line += f"\n  What Klaviyo would get is at {addresses['sandbox']}"
    print(f"{line}\n  Stop with Ctrl-C\n", flush=True)  # noqa: T201


def _fill(app: Flask) -> None:
    """Tell Klaviyo's stand-in of the catalog, as a merchant would tell Klaviyo: else it would know
    only what was restocked, and no other variant could be waited for.
    """
    try:
        with app.app_context(), redirect_stdout(StringIO()):
            if not current_catalog().writable:
                # an integration's variants are known to the stand-in as they come
                return
            app.cli.commands["storefront"].main(["push-catalog"], standalone_mode=False)
            app.extensions["sqlalchemy"].engine.dispose()
    except click.ClickException as error:
        print(f"\n  The stand-in for Klaviyo has no catalog: {error.message}\n", flush=True)  # noqa: T201
    except SystemExit:
        print("\n  The stand-in for Klaviyo lacks a part of the catalog: see above.\n", flush=True)  # noqa: T201
    except SQLAlchemyError as error:
        # the shop is open all the same
        print(f"\n  The catalog can't be read ({type(error).__name__})\n", flush=True)  # noqa: T201


def _wait_for(address: str, ended: threading.Event) -> bool:
    """Whether `address` answers in good time, unless everything has ended meanwhile."""
    for _ in range(START_LIMIT * 5):
        try:
            with _direct.open(address, timeout=2):
                return True
        except OSError:
            if ended.wait(0.2):
                return False
    return False


if __name__ == "__main__":
    sys.exit(main())
