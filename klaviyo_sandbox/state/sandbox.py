"""The complete state of one sandbox, which can be reset and saved to a file."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event, RLock
from typing import Any

from flask import Flask, current_app

from ..protocol.limits import RateLimiter
from ..protocol.masking import Mask
from .account import Account, AccountSettings, MailingList
from .catalog import BulkJob, Catalog
from .clock import Clock, SandboxClock
from .drills import Drills
from .flow import Flow, Message
from .profiles import Profiles, WaitingListEntry
from .request_log import RequestLog
from .rows import Rows
from .storage import Single, Storage
from .subscriptions import Subscriptions

_EXTENSION = "klaviyo_sandbox"


class Sandbox:
    """The state of one sandbox, in memory, and in a file if one is given.

    Hold `lock` to use anything but `requests`, `drills` and `limiter`, which are thread-safe.
    Raises `StorageError` if the file can't be used.
    """

    def __init__(self, account: Account, now: Clock, file: Path | None = None) -> None:
        self.account = account
        self.settings = AccountSettings()
        self.now = SandboxClock(now)
        self.mask = Mask(account.private_key)
        self.lock = RLock()
        self.profiles = Profiles(self.now)
        self.subscriptions = Subscriptions()
        self.waiting: Rows[tuple[int, str], WaitingListEntry] = Rows(WaitingListEntry)
        self.mailing_list = MailingList(account.list_id, now())
        self.catalog = Catalog(self.now)
        self.unknown: list[str] = []
        """Composite IDs that the API treats as unknown, even if they are in the catalog."""
        self.bulk_jobs: Rows[str, BulkJob] = Rows(BulkJob)
        self.flow = Flow(now())
        self.messages: Rows[int, Message] = Rows(Message)
        self.requests = RequestLog(self.lock)
        self.drills = Drills(self.lock)
        self.limiter = RateLimiter()
        self.was_reset = Event()
        """A reset sets and replaces this event, so that calls in progress notice it."""
        self._storage = Storage(file, self._rows(), self._singles()) if file else None
        if self._storage:
            self._restore_references()

    @property
    def has_file(self) -> bool:
        """Return whether the state is saved to a file."""
        return self._storage is not None

    def save(self) -> None:
        """Write the changes to the file, if there is one."""
        if self._storage:
            with self.lock:
                self._storage.save()

    def close(self) -> None:
        """Save, and release the file."""
        if self._storage:
            with self.lock:
                self._storage.save()
                self._storage.close()
                self._storage = None

    def reset(self, *, keep_catalog: bool = False) -> None:
        """Restore the initial state, and cancel the delayed replies that are in progress.

        The account's keys and names are kept and, with `keep_catalog`, so are the items
        and variants with their stock.
        """
        with self.lock:
            preserved = ("items", "variants") if keep_catalog else ()
            for name, rows in self._rows().items():
                if name not in preserved:
                    rows.clear()
            self.profiles.rebuild_index()
            self.unknown.clear()
            self.mailing_list.reset()
            self.settings.reset()
            self.flow.reset()
            self.now.set_offset(0)
            self.limiter.clear()
            previous, self.was_reset = self.was_reset, Event()
        previous.set()

    def _restore_references(self) -> None:
        """Restore what a file doesn't store: references between rows, and indexes."""
        self.profiles.rebuild_index()
        for key, waiting in self.waiting.items():
            # The same object as in `profiles`, so that later changes to it also apply here.
            profile = self.profiles.rows.get(waiting.profile.number) or waiting.profile
            self.waiting.put(key, replace(waiting, profile=profile))
        self.requests.finish_all()

    def _rows(self) -> Mapping[str, Rows[Any, Any]]:
        """Return the rows by their names in the state file."""
        return {
            "profiles": self.profiles.rows,
            "waiting": self.waiting,
            "consents": self.subscriptions.consents,
            "subscribes": self.subscriptions.processed,
            "items": self.catalog.items,
            "variants": self.catalog.variants,
            "jobs": self.bulk_jobs,
            "waits": self.flow.waits,
            "messages": self.messages,
            "record": self.requests.rows,
            "drills": self.drills.rows,
        }

    def _singles(self) -> Mapping[str, Single]:
        """Return the single values by their names in the state file."""
        return {
            "clock": Single(lambda: self.now.offset, self.now.set_offset),
            "unknown": Single(lambda: self.unknown, self.unknown.extend),
            "list": Single(self.mailing_list.dump, self.mailing_list.load),
            "account_settings": Single(self.settings.as_json, self.settings.change),
            "regions": Single(lambda: self.settings.regions, self.settings.set_regions),
            "flow": Single(self.flow.dump, self.flow.load),
        }


def install(app: Flask, sandbox: Sandbox) -> None:
    """Attach a sandbox to the app."""
    app.extensions[_EXTENSION] = sandbox


def current_sandbox() -> Sandbox:
    """Return the sandbox of the current app."""
    sandbox: Sandbox = current_app.extensions[_EXTENSION]
    return sandbox


def close(app: Flask) -> None:
    """Save the app's sandbox and release its file."""
    sandbox: Sandbox = app.extensions[_EXTENSION]
    sandbox.close()
