"""The sandbox's one account: its keys, its settings and its list."""

import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import phonenumbers

from ..protocol import spec
from ..protocol.contacts import region_of
from .brands import BRANDS, NO_BRAND
from .validation import InvalidSetting, is_number

PRIVATE_PREFIX = "pk_"
ALL_SCOPES = "all"
"""The value of `scopes` for a key with full access."""

DEFAULT_REGIONS = (
    "US", "CA", "PR", "GB", "IE", "AU", "NZ", "DE", "FR", "AT",
    "CH", "NL", "BE", "ES", "PT", "IT", "SE", "NO", "DK", "FI",
)  # fmt: skip
_MAX_DATE_SKEW = 24 * 60 * 60  # seconds
_CODE_ALPHABET = string.ascii_uppercase + string.digits


@dataclass(frozen=True, slots=True)
class Account:
    """A Klaviyo account. `sender` is the sender's name in its messages.

    Raises `ValueError` for a key that is empty or obviously invalid, and for an empty list ID. The
    message never contains a key.
    """

    public_key: str
    private_key: str
    list_id: str
    name: str = "Klaviyo sandbox"
    sender: str = "Your shop"

    def __post_init__(self) -> None:
        if not self.private_key.startswith(PRIVATE_PREFIX):
            raise ValueError("The private key must begin with pk_: is this the public key?")
        if not self.public_key:
            raise ValueError("The public key is empty.")
        if self.public_key.startswith(PRIVATE_PREFIX):
            raise ValueError("The public key must not begin with pk_: that is a private key.")
        if not self.list_id:
            raise ValueError("The list's ID is empty.")


def make_account() -> Account:
    """Return an account with random keys in Klaviyo's format."""
    return Account(
        public_key=_random_code(),
        private_key=PRIVATE_PREFIX + secrets.token_hex(17),
        list_id=_random_code(),
    )


def _random_code() -> str:
    return "".join(secrets.choice(_CODE_ALPHABET) for _ in range(6))


class AccountSettings:
    """The settings of the account. The caller must hold the sandbox's lock.

    scopes: the scopes of the private key; None for full access.
    brand: a key of `BRANDS`, or `NO_BRAND`.
    date_skew: seconds by which the `Date` of replies under `/api` is ahead of real time, to test
        how a caller handles clock skew.
    regions: ISO 3166 codes of the regions that the account can text; empty if SMS isn't set up.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Restore the defaults."""
        self.scopes: tuple[str, ...] | None = None
        self.brand = next(iter(BRANDS))
        self.date_skew = 0.0
        self.regions: tuple[str, ...] = DEFAULT_REGIONS

    def change(self, changes: Any) -> None:
        """Set `scopes`, `date_skew` or `brand` to the values in a JSON object.

        Raises `InvalidSetting` for an invalid value; nothing is changed in that case.
        """
        settings = self.as_json()
        if not isinstance(changes, Mapping) or not changes or changes.keys() - settings.keys():
            raise InvalidSetting(f"Send one or more of: {', '.join(settings)}.")
        settings |= changes
        scopes, brand = _scopes(settings["scopes"]), _brand(settings["brand"])
        self.scopes, self.date_skew, self.brand = scopes, _skew(settings["date_skew"]), brand

    def as_json(self) -> dict[str, Any]:
        """Return the settings that `/_sandbox/account` shows and changes."""
        return {
            "scopes": ALL_SCOPES if self.scopes is None else list(self.scopes),
            "date_skew": self.date_skew,
            "brand": self.brand,
        }

    def set_regions(self, regions: Iterable[str]) -> None:
        """Replace the regions. Raises `InvalidSetting` for an unknown code."""
        codes = tuple(dict.fromkeys(regions))
        if unknown := [code for code in codes if code not in phonenumbers.SUPPORTED_REGIONS]:
            raise InvalidSetting(f"There is no region {unknown[0]!r}.")
        self.regions = codes

    def sms_problem(self, phone_number: str) -> str | None:
        """Return why the account can't text a valid phone number, or None if it can."""
        if not self.regions:
            return "SMS is not set up: the account supports no regions."
        region = region_of(phone_number)
        if region in self.regions:
            return None
        return f"The account does not support SMS to the phone number's region, {region}."


def _scopes(value: Any) -> tuple[str, ...] | None:
    if value == ALL_SCOPES:
        return None
    valid = spec.all_scopes()
    if not isinstance(value, list) or not set(map(str, value)) <= set(valid):
        raise InvalidSetting(f'scopes must be "{ALL_SCOPES}", or a list of: {", ".join(valid)}.')
    return tuple(value)


def _brand(value: Any) -> str:
    allowed = (*BRANDS, NO_BRAND)
    if value not in allowed:
        raise InvalidSetting(f"brand must be one of: {', '.join(allowed)}.")
    return str(value)


def _skew(value: Any) -> float:
    if not is_number(value, -_MAX_DATE_SKEW, _MAX_DATE_SKEW):
        raise InvalidSetting(
            f"date_skew must be a number of seconds from -{_MAX_DATE_SKEW} to {_MAX_DATE_SKEW}."
        )
    return float(value)


class OptIn(StrEnum):
    """How a list accepts a subscriber, in Klaviyo's terms."""

    SINGLE = "single_opt_in"
    DOUBLE = "double_opt_in"


class MailingList:
    """The account's list. The caller must hold the sandbox's lock."""

    def __init__(self, list_id: str, created: datetime) -> None:
        self.id = list_id
        self.name = "Sandbox list"
        self.created = created
        self.reset()

    @property
    def is_double_opt_in(self) -> bool:
        """Return whether new subscribers must confirm."""
        return self.opt_in_process is OptIn.DOUBLE

    def reset(self) -> None:
        """Restore single opt-in."""
        self.set_opt_in(OptIn.SINGLE, self.created)

    def set_opt_in(self, opt_in_process: OptIn, now: datetime) -> None:
        """Change how new subscribers opt in. Existing subscribers stay subscribed."""
        self.opt_in_process, self.updated = opt_in_process, now

    def dump(self) -> list[str]:
        """Return what the state file stores."""
        return [str(self.opt_in_process), self.created.isoformat(), self.updated.isoformat()]

    def load(self, stored: list[str]) -> None:
        """Restore what `dump` returned."""
        opt_in_process, created, updated = stored
        self.created = datetime.fromisoformat(created)
        self.set_opt_in(OptIn(opt_in_process), datetime.fromisoformat(updated))

    def as_json(self) -> dict[str, Any]:
        """Return the list as `/_sandbox/list` shows it."""
        return {
            "id": self.id,
            "name": self.name,
            "opt_in_process": str(self.opt_in_process),
            "created": self.created.isoformat(),
            "updated": self.updated.isoformat(),
        }
