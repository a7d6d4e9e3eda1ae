"""Everything that one sandbox remembers, in memory, and how it begins afresh."""

from threading import Event, RLock

from flask import Flask, current_app

from .account import Account
from .clock import Clock
from .drills import Drills
from .limits import RateLimiter
from .mailing_list import MailingList
from .masking import Mask
from .profiles import Profiles
from .record import Record
from .regions import Regions
from .subscriptions import Subscriptions
from .waiting import WaitingList

_EXTENSION = "klaviyo_sandbox"


class Sandbox:
    """The state of one sandbox.

    Hold `lock` around `profiles`, `waiting`, `unknown`, `subscriptions`, `mailing_list` and
    `regions`.
    """

    def __init__(self, account: Account, now: Clock) -> None:
        self.account = account
        self.now = now
        self.mask = Mask(account.private_key)
        self.lock = RLock()
        self.profiles = Profiles()
        self.waiting = WaitingList()
        self.unknown: list[str] = []
        self.subscriptions = Subscriptions()
        self.mailing_list = MailingList(account.list_id, now())
        self.regions = Regions()
        self.record = Record()
        self.drills = Drills()
        self.limiter = RateLimiter()
        self._fresh = Event()

    def reset(self) -> None:
        """Forget everything but the account, and cut short what is still being drilled."""
        with self.lock:
            self.profiles.clear()
            self.waiting.clear()
            self.unknown.clear()
            self.subscriptions.clear()
            self.mailing_list.reset()
            self.regions.reset()
            self.record.clear()
            self.drills.clear()
            self.limiter.clear()
            before, self._fresh = self._fresh, Event()
        before.set()

    def life(self) -> Event:
        """Return the event that the next reset sets: a call belongs to the life it came in."""
        return self._fresh


def install(app: Flask, sandbox: Sandbox) -> None:
    """Keep the sandbox on the app."""
    app.extensions[_EXTENSION] = sandbox


def current_sandbox() -> Sandbox:
    """Return the sandbox of the current app."""
    sandbox: Sandbox = current_app.extensions[_EXTENSION]
    return sandbox
