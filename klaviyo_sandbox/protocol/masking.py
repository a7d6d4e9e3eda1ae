"""Masks private keys in the request log and the process log, and contacts in the process log."""

import re
from typing import Any

_KEY = re.compile(r"pk_[0-9A-Za-z]{8,}")
_WHOLE_KEY = re.compile(r"pk_[0-9A-Za-z]{30,}")


class Mask:
    """Hides private keys: the account's own, and anything that looks like one."""

    def __init__(self, private_key: str) -> None:
        self._private_key = private_key

    def text(self, text: str) -> str:
        """Return the text with each private key shortened to `pk_…` and its last four characters,
        or just `pk_…` if the key is short.
        """
        text = text.replace(self._private_key, _short(self._private_key))
        return _KEY.sub(lambda match: _short(match[0]), text)

    def json_value(self, value: Any) -> Any:
        """Return a JSON value with the private keys hidden, in names and in values."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.json_value(item) for item in value]
        if isinstance(value, dict):
            return {self.text(name): self.json_value(item) for name, item in value.items()}
        return value

    def contains_key(self, text: str) -> bool:
        """Return whether the text contains a private key."""
        return self._private_key in text or _WHOLE_KEY.search(text) is not None


def masked_email(email: str) -> str:
    """Return an email address masked for the log: `a•••@e•••.com`."""
    name, _, domain = email.rpartition("@")
    top = domain.rpartition(".")[2]
    return f"{name[:1]}•••@{domain[:1]}•••.{top}" if name and domain else "•••"


def masked_phone(phone: str) -> str:
    """Return a phone number masked for the log: `+•••06`."""
    return f"+•••{phone[-2:]}"


def _short(key: str) -> str:
    # Four characters would reveal too much of a short key.
    return f"pk_…{key[-4:]}" if len(key) >= 15 else "pk_…"
