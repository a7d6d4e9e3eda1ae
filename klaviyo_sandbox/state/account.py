"""The one account that the sandbox plays: its keys and its list."""

import math
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import phonenumbers

from ..protocol import spec
from ..protocol.contacts import region_of

PRIVATE_PREFIX = "pk_"
_ALPHABET = string.ascii_uppercase + string.digits


@dataclass(frozen=True, slots=True)
class Account:
    """A Klaviyo account: the public key names it in a browser, the private key opens its API.

    Raises `ValueError`, naming the key but never showing it, when the two can't be right.
    """

    public_key: str
    private_key: str
    list_id: str
    name: str = "Klaviyo sandbox"
    sender: str = "Your shop"
    """Whom its messages come from."""

    def __post_init__(self) -> None:
        if not self.private_key.startswith(PRIVATE_PREFIX):
            raise ValueError("The private key must begin with pk_: is it the public one?")
        if not self.public_key or self.public_key.startswith(PRIVATE_PREFIX):
            raise ValueError("The public key must not begin with pk_: that is a private key.")
        if not self.list_id:
            raise ValueError("The list's ID is empty.")


def make_account() -> Account:
    """Make an account with random keys of the same form as Klaviyo's."""
    return Account(
        public_key=_code(),
        private_key=PRIVATE_PREFIX + secrets.token_hex(17),
        list_id=_code(),
    )


def _code() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(6))


ALL = "all"
"""What `scopes` is when the key may do everything."""
_LONGEST = 24 * 60 * 60
_FIELDS = ("scopes", "date_skew")


class AccountSettings:
    """The settings. The caller holds the sandbox's lock.

    `scopes` is None for a key with full access. `date_skew` is by how many seconds the `Date` of
    the API's replies is ahead of the real time: a caller whose clock is wrong sees the same.
    """

    def __init__(self) -> None:
        self.scopes: tuple[str, ...] | None = None
        self.date_skew = 0.0

    def missing(self, needed: tuple[str, ...]) -> list[str]:
        """Return which of the scopes the key lacks."""
        return [] if self.scopes is None else [each for each in needed if each not in self.scopes]

    def change(self, asked: Any) -> None:
        """Change the settings that are named. Raises `ValueError`, and then changes none."""
        if not isinstance(asked, Mapping) or not asked or asked.keys() - set(_FIELDS):
            raise ValueError(f"Send one or more of: {', '.join(_FIELDS)}.")
        given = {**self.as_json(), **asked}
        self.scopes, self.date_skew = _scopes(given["scopes"]), _skew(given["date_skew"])

    def as_json(self) -> dict[str, Any]:
        """Return the settings as `/_sandbox/account` shows and takes them."""
        return {
            "scopes": ALL if self.scopes is None else list(self.scopes),
            "date_skew": self.date_skew,
        }

    def reset(self) -> None:
        """Return to a key with full access, and the right time."""
        self.scopes, self.date_skew = None, 0.0


def _scopes(value: Any) -> tuple[str, ...] | None:
    if value == ALL:
        return None
    known = spec.all_scopes()
    if not isinstance(value, list) or not set(map(str, value)) <= set(known):
        raise ValueError(f'scopes must be "{ALL}", or a list of: {", ".join(known)}.')
    return tuple(value)


def _skew(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or abs(value) > _LONGEST:
        raise ValueError(f"date_skew must be a number of seconds from -{_LONGEST} to {_LONGEST}.")
    return float(value)


DEFAULT = tuple(
    "US CA PR GB IE AU NZ DE FR AT CH NL BE ES PT IT SE NO DK FI".split()  # noqa: SIM905
)


class Regions:
    """The regions with a sending number, as ISO 3166 codes. The caller holds the sandbox's lock."""

    def __init__(self) -> None:
        self.supported = DEFAULT

    def set(self, supported: Iterable[str]) -> None:
        """Replace the regions; none at all is an account without SMS.

        Raises `ValueError` for a code that no phone number can belong to.
        """
        codes = tuple(dict.fromkeys(supported))
        if unknown := [code for code in codes if code not in phonenumbers.SUPPORTED_REGIONS]:
            raise ValueError(f"There is no region {unknown[0]!r}.")
        self.supported = codes

    def reset(self) -> None:
        """Return to the default regions."""
        self.supported = DEFAULT

    def objection(self, phone_number: str) -> str | None:
        """Return why no text can go to a valid phone number, or None when one can."""
        if not self.supported:
            return "SMS is not set up: the account supports no region."
        region = region_of(phone_number)
        if region in self.supported:
            return None
        return f"The account supports no SMS to the phone number's region, {region}."
