"""What a demo needs and nobody was asked for: keys made once and kept in `instance/`."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from klaviyo_sandbox import make_account
from notify_me import SettingsError

KEPT = "demo.json"
"""The file in `instance/` that holds what was made up."""
PLACES = {"HOST": "127.0.0.1", "PORT": "5000", "SANDBOX_PORT": "5001"}
"""Where a demo is open, unless it is told otherwise."""
KLAVIYO = ("KLAVIYO_API_URL", "KLAVIYO_PUBLIC_KEY", "KLAVIYO_PRIVATE_KEY", "KLAVIYO_LIST_ID")


def is_demo(environ: Mapping[str, str]) -> bool:
    """Whether `DEMO` is on; raises `SettingsError` for what is neither on nor off."""
    return flag(environ, "DEMO", default="0")


def command_in_demo(environ: Mapping[str, str], instance: Path) -> bool:
    """Whether this is a `flask …` command beside a demo that `make run` has made: it shall see the
    demo's data, though nobody set `DEMO` in its shell. A shop in earnest has a `SECRET_KEY`.
    """
    decided = environ.get("DEMO") or environ.get("SECRET_KEY")
    return from_command(environ) and not decided and (instance / KEPT).exists()


def from_command(environ: Mapping[str, str]) -> bool:
    """Whether this process is a `flask …` command."""
    return environ.get("FLASK_RUN_FROM_CLI") == "true"


def flag(environ: Mapping[str, str], name: str, *, default: str) -> bool:
    """Whether a variable is on; raises `SettingsError` for what is neither on nor off."""
    value = environ.get(name) or default
    match value.strip().lower():
        case "0" | "false" | "no" | "off":
            return False
        case "1" | "true" | "yes" | "on":
            return True
    raise SettingsError(f"{name} is {value!r}: set it to 1 or 0")


def wants_sandbox(environ: Mapping[str, str]) -> bool:
    """Whether nothing says where Klaviyo is, so that the sandbox stands in for it."""
    return not any(environ.get(name) for name in KLAVIYO)


def demo_environment(environ: Mapping[str, str], instance: Path) -> dict[str, str]:
    """`environ` with what it lacks for a demo: secrets and, unless it names Klaviyo, an account.

    What is made up is written to `instance/demo.json`, readable by its owner alone, so that
    signed links and the sandbox's keys outlive a restart; so are the places that `remember` keeps.
    """
    kept = _kept(instance)
    given = {name: value for name, value in environ.items() if value}
    made = {name: kept[name] for name in ("SECRET_KEY", "NOTIFY_ME_LOG_KEY")}
    place = {**PLACES, **kept, **given}
    if from_command(environ):
        # for links in what Klaviyo is told, which no request has asked for
        made["SHOP_URL"] = address(place)
    if wants_sandbox(environ):
        made |= {name: kept[name] for name in KLAVIYO if name in kept}
        sandbox = f"http://127.0.0.1:{place['SANDBOX_PORT']}"
        made["KLAVIYO_API_URL"] = made["SANDBOX_URL"] = sandbox
    return {**made, **given}


def remember(environ: Mapping[str, str], instance: Path) -> None:
    """Keep where a demo is open, for the commands beside it."""
    places = {name: environ[name] for name in PLACES}
    kept = _kept(instance)
    if {**PLACES, **kept} != {**kept, **places}:
        _keep(instance, {**kept, **places})


def address(place: Mapping[str, str]) -> str:
    """Where a browser on this machine finds the shop that is open at these `PLACES`."""
    return f"http://{shown(place['HOST'])}:{place['PORT']}"


def shown(host: str) -> str:
    """A host as an address has it, for a browser on this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104


def _kept(instance: Path) -> dict[str, str]:
    path = instance / KEPT
    try:
        kept: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        instance.mkdir(parents=True, exist_ok=True)
        account = make_account()
        kept = {
            "SECRET_KEY": secrets.token_hex(),
            "NOTIFY_ME_LOG_KEY": secrets.token_hex(),
            "KLAVIYO_PUBLIC_KEY": account.public_key,
            "KLAVIYO_PRIVATE_KEY": account.private_key,
            "KLAVIYO_LIST_ID": account.list_id,
        }
        _keep(instance, kept)
    except ValueError:
        raise SettingsError(
            f"{path} is damaged: delete it, and the demo makes new keys (waiting links end)"
        ) from None
    return kept


def _keep(instance: Path, kept: Mapping[str, str]) -> None:
    # whole or not at all, and nobody else's to read
    new = instance / f"{KEPT}.new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(kept, file, indent=2)
    new.replace(instance / KEPT)
