"""The demo shop with several settings, and the sandbox: for tests that visit every page."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from flask import Flask
from werkzeug.security import generate_password_hash

from app import create_app
from klaviyo_sandbox import create_app as create_sandbox
from klaviyo_sandbox import make_account
from tests.klaviyo_sandbox.conftest import MovableClock, RunningSandbox
from tests.klaviyo_sandbox.filled import fill as fill_sandbox
from tests.support import SAMPLE_SHOP, Sandbox, serve, serve_sandbox

T = TypeVar("T")

CHANNELS = """\
[channels]
offered = ["EMAIL", "SMS", "WHATSAPP"]
default_region = "GB"
[consent]
brand = "Smirr"
terms_of_service_url = "/terms"
privacy_policy_url = "/privacy"
email_list = "ask"
"""
# only backgrounds are set; the text colours follow
THEMED = """\
[button.button_styles]
color = "#ff5a1f"
border_radius = 40
border.enabled = true
drop_shadow.enabled = true
[modal]
background_color = "#1a0a2e"
error_background_color = "#fcd6d7"
success_background_color = "#d3efcd"
footer_content = '<a href="/terms">Terms</a>'
"""
HASH = generate_password_hash("open, please", method="pbkdf2:sha256:1")
SAMPLE = Path(SAMPLE_SHOP["NOTIFY_ME_CONFIG"]).read_text(encoding="utf-8")
SETTINGS = {
    "shop": SAMPLE,
    "client": "",
    # separate from the others, because it restocks products
    "tour": SAMPLE,
    "channels": CHANNELS,
    # separate, because a shop caches the opt-in setting of its list
    "double-opt-in": CHANNELS,
    "languages": '[languages]\noffered = ["en", "ar", "de", "fr"]\n',
    # separate, because it sells products out
    "short": "",
    # the merchant's pages need a password
    "password": "",
    "drawer": '[modal]\npresentation = "drawer"\n',
    "inline": '[modal]\npresentation = "inline"\n',
    "themed": THEMED,
}
"""The shops with their `notify_me.toml`. There is also a site `sandbox`."""


def in_another_thread(function: Callable[[], T]) -> T:
    """Call `function` in another thread and return its result.

    Playwright's event loop runs in this one, and Flask-SQLAlchemy-Lite can't close the sessions of
    an app context in a thread with a running event loop.
    """
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(function).result()


def environ(database: Path, klaviyo: Mapping[str, str], **more: str) -> dict[str, str]:
    """Return the environment variables of a demo shop with this database and Klaviyo account."""
    return {
        **SAMPLE_SHOP,
        "DEMO": "1",
        "SECRET_KEY": "s" * 32,
        "NOTIFY_ME_LOG_KEY": "l" * 32,
        "NOTIFY_ME_DELIVERY__IN_WEB_PROCESS": "false",
        "DATABASE_URL": f"sqlite:///{database}",
        "NOTIFY_ME_INSTANCE_CONFIG": str(database.parent / "instance" / "notify_me.toml"),
        **klaviyo,
        **more,
    }


def load_catalog(app: Flask) -> None:
    """Create the shop's tables and load the catalog."""
    with app.app_context():
        app.extensions["alembic"].upgrade()
        app.cli.commands["storefront"].main(["load"], standalone_mode=False)


def make_template(path: Path) -> None:
    """Make a database with the shop's tables and catalog, to be copied."""
    shop = create_app(environ(path, {"KLAVIYO_PRIVATE_KEY": "pk_unused"}))
    load_catalog(shop)
    close(shop)


def close(app: Flask) -> None:
    """Close the shop's database connections."""
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()


class Sites:
    """Starts sites on first use."""

    def __init__(self, sandbox: Sandbox, folder: Path, stack: ExitStack) -> None:
        self.sandbox = sandbox
        self._folder = folder
        self._stack = stack
        self._served: dict[str, str] = {}

    def url(self, name: str) -> str:
        """Return the URL of a site in `SETTINGS`, or of `sandbox`.

        The latter isn't the sandbox that the shops use: it contains sample data.
        """
        if name not in self._served:
            start = self._start_sandbox if name == "sandbox" else self._start_shop
            self._served[name] = start(name)
        return self._served[name]

    @cached_property
    def _template(self) -> Path:
        path = self._folder / "template" / "shop.db"
        path.parent.mkdir()
        make_template(path)
        return path

    def _start_sandbox(self, _name: str) -> str:
        account = make_account()
        url = self._stack.enter_context(serve(create_sandbox(account)))
        fill_sandbox(RunningSandbox(url, account, MovableClock()))
        return url

    def _start_shop(self, name: str) -> str:
        return self._stack.enter_context(serve(in_another_thread(lambda: self._shop(name))))

    def _shop(self, name: str) -> Flask:
        settings = self._folder / f"{name}.toml"
        settings.write_text(SETTINGS[name], encoding="utf-8")
        more = {
            "NOTIFY_ME_CONFIG": str(settings),
            "NOTIFY_ME_MODE": "client" if name == "client" else "server",
            "RATELIMIT_ENABLED": "0",
            "SANDBOX_URL": self.sandbox.url,
            "MERCHANT_PASSWORD_HASH": HASH if name == "password" else "",
        }
        database = Path(shutil.copy(self._template, self._folder / f"{name}.db"))
        app = create_app(environ(database, self.sandbox.environ(), **more))
        self._stack.callback(lambda: in_another_thread(lambda: close(app)))
        return app


@contextmanager
def sites() -> Iterator[Sites]:
    """Provide the sites until the block ends."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_sandbox() as sandbox,
        ExitStack() as stack,
    ):
        yield Sites(sandbox, Path(folder), stack)
