"""Everything that one sandbox remembers, how it begins afresh, and how a file follows it."""

from collections.abc import Mapping
from pathlib import Path
from threading import Event, RLock
from typing import Any

from flask import Flask, current_app

from ..protocol.limits import RateLimiter
from ..protocol.masking import Mask
from .account import Account, AccountSettings, Regions
from .bulk_jobs import BulkJobs
from .catalog import Catalog
from .clock import Clock, SandboxClock
from .drills import Drills
from .flow import Flow
from .mailing_list import MailingList
from .messages import Messages
from .profiles import Profiles
from .record import Record
from .rows import Rows
from .storage import Single, Storage
from .subscriptions import Subscriptions
from .waiting import WaitingList

_EXTENSION = "klaviyo_sandbox"


class Sandbox:
    """The state of one sandbox, in memory, and in a file when one is given.

    Hold `lock` around everything but `record`, `drills` and `limiter`, which hold it or their own.
    Raises `StorageError` when the file can't be used.
    """

    def __init__(self, account: Account, now: Clock, file: Path | None = None) -> None:
        self.account = account
        self.account_settings = AccountSettings()
        self.now = SandboxClock(now)
        self.mask = Mask(account.private_key)
        self.lock = RLock()
        self.profiles = Profiles(self.now)
        self.waiting = WaitingList()
        self.unknown: list[str] = []
        self.subscriptions = Subscriptions()
        self.mailing_list = MailingList(account.list_id, now())
        self.regions = Regions()
        self.catalog = Catalog(self.now)
        self.bulk_jobs = BulkJobs()
        self.flow = Flow(now())
        self.messages = Messages()
        self.record = Record(self.lock)
        self.drills = Drills(self.lock)
        self.limiter = RateLimiter()
        self._fresh = Event()
        self._storage = Storage(file, self._rows(), self._singles()) if file else None
        if self._storage:
            self._loaded()

    @property
    def is_kept(self) -> bool:
        """Tell whether a file follows the state."""
        return self._storage is not None

    def save(self) -> None:
        """Write what changed to the file, if there is one."""
        if self._storage:
            with self.lock:
                self._storage.save()

    def close(self) -> None:
        """Save, and let the file go."""
        if self._storage:
            with self.lock:
                self._storage.save()
                self._storage.close()
                self._storage = None

    def reset(self, *, keep_catalog: bool = False) -> None:
        """Forget everything but the account, and cut short what is still being drilled.

        With `keep_catalog` items and variants stay as they are, stock included.
        """
        with self.lock:
            kept = ("items", "variants") if keep_catalog else ()
            for name, rows in self._rows().items():
                if name not in kept:
                    rows.clear()
            self.profiles.index()
            self.unknown.clear()
            self.mailing_list.reset()
            self.regions.reset()
            self.account_settings.reset()
            self.flow.reset()
            self.now.move_to(0)
            self.limiter.clear()
            before, self._fresh = self._fresh, Event()
        before.set()

    def life(self) -> Event:
        """Return the event that the next reset sets: a call belongs to the life it came in."""
        return self._fresh

    def _loaded(self) -> None:
        """Tie together what a file holds apart."""
        self.profiles.index()
        self.waiting.tie(self.profiles)
        self.record.end_all()

    def _rows(self) -> Mapping[str, Rows[Any, Any]]:
        return {
            "profiles": self.profiles.rows,
            "waiting": self.waiting.rows,
            "consents": self.subscriptions.consents,
            "subscribes": self.subscriptions.processed,
            "items": self.catalog.items,
            "variants": self.catalog.variants,
            "jobs": self.bulk_jobs.rows,
            "waits": self.flow.waits,
            "messages": self.messages.rows,
            "record": self.record.rows,
            "drills": self.drills.rows,
        }

    def _singles(self) -> Mapping[str, Single]:
        return {
            "clock": Single(lambda: self.now.ahead, self.now.move_to),
            "unknown": Single(lambda: self.unknown, self.unknown.extend),
            "list": Single(self.mailing_list.remembered, self.mailing_list.recall),
            "account_settings": Single(self.account_settings.as_json, self.account_settings.change),
            "regions": Single(lambda: self.regions.supported, self.regions.set),
            "flow": Single(self.flow.remembered, self.flow.recall),
        }


def install(app: Flask, sandbox: Sandbox) -> None:
    """Keep the sandbox on the app, in place of the one before it, if any."""
    app.extensions[_EXTENSION] = sandbox


def close(app: Flask) -> None:
    """Save the app's sandbox once more, and let its file go."""
    sandbox: Sandbox = app.extensions[_EXTENSION]
    sandbox.close()


def current_sandbox() -> Sandbox:
    """Return the sandbox of the current app."""
    sandbox: Sandbox = current_app.extensions[_EXTENSION]
    return sandbox
