"""The demo's secrets and keys, which are generated once and saved in `instance/demo.json`."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from klaviyo_sandbox import make_account
from notify_me import SettingsError

DEMO_FILE = "demo.json"
"""The file in `instance/` with the keys, and the host and ports of the last start."""
ADDRESSES = {"HOST": "127.0.0.1", "PORT": "5000", "SANDBOX_PORT": "5001"}
"""The defaults of these environment variables."""
OFFERED_CHANNELS = ("NOTIFY_ME_CHANNELS__OFFERED", '["EMAIL", "SMS"]')
"""The demo also offers SMS, so that the tour can show a text message, unless settings have been
published in the Studio.
"""
SECRETS = ("SECRET_KEY", "NOTIFY_ME_LOG_KEY")
KLAVIYO = ("KLAVIYO_API_URL", "KLAVIYO_PUBLIC_KEY", "KLAVIYO_PRIVATE_KEY", "KLAVIYO_LIST_ID")


def wants_sandbox(environ: Mapping[str, str]) -> bool:
    """Whether the demo uses the sandbox: it does if no Klaviyo account is configured."""
    return not any(environ.get(name) for name in KLAVIYO)


def demo_environment(
    environ: Mapping[str, str], instance: Path, *, create: bool = False
) -> dict[str, str]:
    """Return a copy of `environ` without empty values, and with missing secrets filled in.

    If no Klaviyo account is configured, the sandbox's URL and keys are also added.

    Generated values are saved in `instance/demo.json`, readable only by its owner, so that signed
    links and the sandbox's keys stay valid after a restart. Only the launcher sets `create`, since
    it also creates the database. Raises `SettingsError` if the file is needed but missing or
    damaged.
    """
    configured = {name: value for name, value in environ.items() if value}
    sandbox = wants_sandbox(configured)
    complete = not sandbox and configured.keys() >= set(SECRETS)
    exists = (instance / DEMO_FILE).exists()
    saved = _load(instance, create=create) if exists or not complete else {}
    added = {name: saved[name] for name in SECRETS if name in saved}
    addresses = {**ADDRESSES, **saved, **configured}
    if environ.get("FLASK_RUN_FROM_CLI") == "true":
        # for the links that a command sends to Klaviyo
        added["SHOP_URL"] = shop_address(addresses)
    if sandbox:
        added |= {name: saved[name] for name in KLAVIYO if name in saved}
        url = f"http://127.0.0.1:{addresses['SANDBOX_PORT']}"
        added["KLAVIYO_API_URL"] = added["SANDBOX_URL"] = url
        if not (instance / "notify_me.toml").exists():
            name, value = OFFERED_CHANNELS
            added[name] = value
    return {**added, **configured}


def save_addresses(environ: Mapping[str, str], instance: Path) -> None:
    """Save the demo's host and ports for `flask …` commands in other terminals."""
    saved = _load(instance, create=True)
    updated = {**saved, **{name: environ[name] for name in ADDRESSES}}
    if updated != {**ADDRESSES, **saved}:
        _save(instance, updated)


def shop_address(addresses: Mapping[str, str]) -> str:
    """Return the shop's URL for a browser on this machine."""
    return f"http://{display_host(addresses['HOST'])}:{addresses['PORT']}"


def display_host(host: str) -> str:
    """Return the host to use in a URL on this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104


def _load(instance: Path, *, create: bool) -> dict[str, str]:
    path = instance / DEMO_FILE
    try:
        saved: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not create:
            raise SettingsError(
                "The demo isn't set up yet. To set it up and start it: make run"
            ) from None
        instance.mkdir(parents=True, exist_ok=True)
        account = make_account()
        saved = {
            "SECRET_KEY": secrets.token_hex(),
            "NOTIFY_ME_LOG_KEY": secrets.token_hex(),
            "KLAVIYO_PUBLIC_KEY": account.public_key,
            "KLAVIYO_PRIVATE_KEY": account.private_key,
            "KLAVIYO_LIST_ID": account.list_id,
        }
        _save(instance, saved)
    except ValueError:
        raise SettingsError(
            f"{path} is damaged: delete it to generate new keys (links sent so far "
            "will stop working)"
        ) from None
    return saved


def _save(instance: Path, saved: Mapping[str, str]) -> None:
    # written to a new file first, so that an interruption never leaves a half-written file
    new_file = instance / f"{DEMO_FILE}.new"
    with open(os.open(new_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(saved, file, indent=2)
    new_file.replace(instance / DEMO_FILE)
