"""The demo shop under several settings, for what looks at every page, with a sandbox as Klaviyo."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from flask import Flask
from werkzeug.security import generate_password_hash

from app import create_app
from klaviyo_sandbox import create_app as create_sandbox
from klaviyo_sandbox import make_account
from tests.klaviyo_sandbox.conftest import MovableClock, Running
from tests.klaviyo_sandbox.eventful import make_eventful
from tests.support import Sandbox, serve

T = TypeVar("T")

CHANNELS = """\
[channels]
offered = ["EMAIL", "SMS", "WHATSAPP"]
[consent]
brand = "Smirr"
terms_of_service_url = "/terms"
privacy_policy_url = "/privacy"
email_list = "ask"
"""
# grounds alone: the words on them follow
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
SETTINGS = {
    "shop": "",
    "client": "",
    # what it restocks the others need sold out
    "tour": "",
    "channels": CHANNELS,
    # a shop remembers how its list takes subscribers
    "double-opt-in": CHANNELS,
    "languages": '[languages]\noffered = ["en", "ar", "de", "fr"]\n',
    # what it sells out of the others need in stock
    "short": "",
    # with a password before its back room
    "door": "",
    "drawer": '[modal]\npresentation = "drawer"\n',
    "inline": '[modal]\npresentation = "inline"\n',
    "themed": THEMED,
}
"""The sites that are shops, each with its `notify_me.toml`; `sandbox` is one more."""


def elsewhere(work: Callable[[], T]) -> T:
    """Run `work` in a thread of its own: Playwright's event loop runs in this one, and
    Flask-SQLAlchemy-Lite closes an app context's sessions only where there is none.
    """
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


def environ(database: Path, klaviyo: Mapping[str, str], **more: str) -> dict[str, str]:
    """The environment of a demo shop with this database and this Klaviyo."""
    return {
        "DEMO": "1",
        "SECRET_KEY": "s" * 32,
        "NOTIFY_ME_LOG_KEY": "l" * 32,
        "DATABASE_URL": f"sqlite:///{database}",
        **klaviyo,
        **more,
    }


def fill(app: Flask) -> None:
    """Migrate the shop's database and load the catalog into it."""
    with app.app_context():
        app.extensions["alembic"].upgrade()
        app.cli.commands["storefront"].main(["load"], standalone_mode=False)


def close(app: Flask) -> None:
    """Close the shop's connections."""
    with app.app_context():
        app.extensions["sqlalchemy"].engine.dispose()


class Sites:
    """Addresses by name; a shop starts when it is first asked for."""

    def __init__(self, sandbox: Sandbox, folder: Path, stack: ExitStack) -> None:
        self.sandbox = sandbox
        self._folder = folder
        self._stack = stack
        self._served: dict[str, str] = {}

    def url(self, name: str) -> str:
        """The address of a site of `SETTINGS`, or of `sandbox`: one to look at, not the shops'."""
        if name not in self._served:
            start = self._start_sandbox if name == "sandbox" else self._start_shop
            self._served[name] = start(name)
        return self._served[name]

    def _start_sandbox(self, _name: str) -> str:
        account = make_account()
        url = self._stack.enter_context(serve(create_sandbox(account)))
        make_eventful(Running(url, account, MovableClock()))
        return url

    def _start_shop(self, name: str) -> str:
        return self._stack.enter_context(serve(elsewhere(lambda: self._shop(name))))

    def _shop(self, name: str) -> Flask:
        settings = self._folder / f"{name}.toml"
        settings.write_text(SETTINGS[name], encoding="utf-8")
        more = {
            "NOTIFY_ME_CONFIG": str(settings),
            "NOTIFY_ME_MODE": "client" if name == "client" else "server",
            "RATELIMIT_ENABLED": "0",
            "SANDBOX_URL": self.sandbox.url,
            "MERCHANT_PASSWORD_HASH": HASH if name == "door" else "",
        }
        app = create_app(environ(self._folder / f"{name}.db", self.sandbox.environ(), **more))
        fill(app)
        self._stack.callback(lambda: elsewhere(lambda: close(app)))
        return app


@contextmanager
def sites() -> Iterator[Sites]:
    """The sites, until the block ends."""
    account = make_account()
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(create_sandbox(account)) as url,
        ExitStack() as stack,
    ):
        yield Sites(Sandbox(url, account), Path(folder), stack)
