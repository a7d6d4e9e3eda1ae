"""The one account that the sandbox plays: its keys and its list."""

import secrets
import string
from dataclasses import dataclass

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
