"""`make run`: prepare the database, then start the shop, its worker and the Klaviyo sandbox."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import click
from flask import Flask
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Printer
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app import ROOT, create_app, flag, load_env_file
from notify_me import SettingsError, current_catalog
from storefront.base.current_shop import shop

from . import samples
from .keys import ADDRESSES, demo_environment, save_addresses, shop_address, wants_sandbox

START_TIMEOUT = 60
"""Seconds to wait for a process to respond."""
# ignores the environment's proxy settings, since everything runs on this machine
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def main() -> int:
    """Start everything and wait. Return the exit status of the first process that ends."""
    # hide Alembic's log of migrations, which only matters for `flask db upgrade`
    logging.getLogger("alembic").setLevel(logging.WARNING)
    instance = ROOT / "instance"
    try:
        load_env_file(ROOT / ".env")
        environ = {"DEMO": "1", **ADDRESSES}
        environ |= {name: value for name, value in os.environ.items() if value}
        demo = flag(environ, "DEMO", default="1")
        sandbox = demo and wants_sandbox(environ)
        _check_port(environ["HOST"], environ["PORT"], "PORT")
        if demo:
            environ = demo_environment(environ, instance, create=True)
            # for the links that the worker sends to Klaviyo
            environ.setdefault("SHOP_URL", shop_address(environ))
        app = create_app(environ)
        if sandbox:
            if environ["SANDBOX_PORT"] == environ["PORT"]:
                raise SettingsError("PORT and SANDBOX_PORT are the same: change one of them")
            _check_port("127.0.0.1", environ["SANDBOX_PORT"], "SANDBOX_PORT")
        if demo:
            save_addresses(environ, instance)
        _prepare_database(app, with_samples=sandbox)
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
            hint = " (macOS uses 5000 for AirPlay)" if port == "5000" else ""
            raise SettingsError(
                f"Port {port} on {host} isn't available{hint}: {error.strerror}. Stop the program "
                f"that is using it, or choose another port: {name}=5050 make run"
            ) from None


def _prepare_database(app: Flask, *, with_samples: bool) -> None:
    """Migrate the database, and load the sample products and, with the sandbox, the sample data."""
    with app.app_context():
        try:
            app.extensions["alembic"].upgrade()
        except OperationalError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise SettingsError(f"The database at DATABASE_URL can't be used: {reason}") from None
        app.cli.commands["storefront"].main(
            ["load"], prog_name="flask storefront", standalone_mode=False
        )
        if with_samples:
            samples.prepare()
        app.extensions["sqlalchemy"].engine.dispose()


def _run(app: Flask, environ: Mapping[str, str], names: Iterable[str]) -> int:
    procfile = parse_procfile((ROOT / "Procfile").read_text(encoding="utf-8"))
    bin_folder = Path(sys.executable).parent
    path = f"{bin_folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    with app.app_context():
        shop_name = shop().name
    sandbox_environ = {
        # the shop's HOST doesn't apply to the sandbox, which only serves this machine
        "HOST": "127.0.0.1",
        # keeps the sandbox's data across restarts
        "SANDBOX_STATE": environ.get("SANDBOX_STATE") or str(ROOT / "instance" / "sandbox.db"),
        "SANDBOX_SENDER": environ.get("SANDBOX_SENDER") or shop_name,
    }
    addresses = {"web": shop_address(environ)}
    manager = Manager(Printer(sys.stdout, colour=sys.stdout.isatty()))
    for name in names:
        env = {**environ, "PATH": path}
        if name == "sandbox":
            env |= sandbox_environ
            addresses[name] = f"http://127.0.0.1:{environ['SANDBOX_PORT']}"
        manager.add_process(name, procfile.processes[name], env=env, cwd=str(ROOT))
    ended = threading.Event()
    # honcho only handles Ctrl-C and SIGTERM, but closing the terminal must also end everything
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    threading.Thread(target=_announce, args=(app, addresses, ended), daemon=True).start()
    manager.loop()
    ended.set()
    return int(manager.returncode or 0)


def _announce(app: Flask, addresses: Mapping[str, str], ended: threading.Event) -> None:
    """Print the URLs once all of them respond, after pushing the catalog to the sandbox."""
    probes = {**addresses, "web": f"{addresses['web']}/healthz"}
    for name, probe in probes.items():
        if not _wait_for(probe, ended):
            if not ended.is_set():
                program = "Klaviyo sandbox" if name == "sandbox" else "shop"
                _print(
                    f"The {program} isn't responding at {addresses[name]}. See the messages above."
                )
            return
    lines = [f"The shop is running at {addresses['web']}"]
    if "sandbox" in addresses:
        _push_catalog_to_sandbox(app)
        lines.append(f"The Klaviyo sandbox is running at {addresses['sandbox']}")
    _print(*lines, "Press Ctrl-C to stop")


def _push_catalog_to_sandbox(app: Flask) -> None:
    """Copy the catalog to the sandbox, as a merchant would to Klaviyo.

    Once the sandbox's catalog has a variant, sign-ups for variants that aren't in it are refused.
    """
    try:
        with app.app_context(), redirect_stdout(StringIO()):
            if not current_catalog().writable:
                # the sandbox accepts any variant of an integration's catalog
                return
            app.cli.commands["storefront"].main(["push-catalog"], standalone_mode=False)
            app.extensions["sqlalchemy"].engine.dispose()
    except click.ClickException as error:
        _print(f"The catalog couldn't be copied to the Klaviyo sandbox: {error.message}")
    except SystemExit:
        _print(
            "Part of the catalog couldn't be copied to the Klaviyo sandbox. See the messages above."
        )
    except SQLAlchemyError as error:
        _print(f"The catalog can't be read from the database ({type(error).__name__}).")


def _print(*lines: str) -> None:
    print("\n", *(f"  {line}\n" for line in lines), sep="", flush=True)  # noqa: T201


def _wait_for(url: str, ended: threading.Event) -> bool:
    """Wait until `url` responds. Return False on a timeout, or once a process has ended."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        try:
            with _opener.open(url, timeout=2):
                return True
        except OSError:
            if ended.wait(0.2):
                return False
    return False


if __name__ == "__main__":
    sys.exit(main())
