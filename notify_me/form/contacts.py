"""Contact details as people type and paste them, cleaned and validated.

`clean_email` and `clean_phone` remove what copying, autocorrection and other apps add. They run
before validation, and after an error the form shows their result. They are idempotent.
`email_address` and `e164` (in `phone.py`) validate the result.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote

from email_validator import EmailNotValidError, validate_email

from ..i18n.catalogs import N_
from ..i18n.text import gettext

NOT_AN_ADDRESS = N_("Enter a full email address, like name@example.com.")
NOT_ASCII = N_(
    "We can't send email to this address. Before the @, use only letters from a to z, digits and "
    "symbols."
)
ADDRESS_TOO_LONG = N_("This email address is too long. Please check it.")

MAX_LOCAL_PART, MAX_ADDRESS = 64, 254
"""Characters before the @, and of a whole address (RFC 5321)."""
MAX_TYPED = 500
"""Characters of the longest text that is cleaned. Longer ones can't be valid, and thousands of
nested brackets would take seconds.
"""

_BULLETS = "\u00b7\u2022\u2219\u22c5\u2027\u25cf\u25aa\u25e6\u30fb"
_CLOSERS = {
    "<": ">",
    "(": ")",
    "[": "]",
    "{": "}",
    '"': '"',
    "'": "'",
    "`": "`",
    "\u00ab": "\u00bb",
    "\u00bb": "\u00ab",
    "\u2039": "\u203a",
    "\u201c": "\u201d",
    "\u201d": "\u201d",
    "\u201e": "\u201c\u201d",
    "\u300c": "\u300d",
    "\u3010": "\u3011",
}
"""The closing marks for each opening bracket or quotation mark."""
_LONE = '<>[]"\u00ab\u00bb\u2039\u203a\u201c\u201d\u201e'
"""A single one of these at either end was copied by accident. Others could be part of the text."""
_SCHEME = re.compile(
    r"(?:mailto|tel\.?|sms|callto|whatsapp):(?://)?(.*)", re.IGNORECASE | re.DOTALL
)

_DEFAULT_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
_ASCII_EQUIVALENTS = str.maketrans(
    dict.fromkeys("\u00b4\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\ua78c", "'")
    | dict.fromkeys("\u02d7\u2043\u2212\u30fc", "-")
)
_PHONE_SEPARATORS = str.maketrans(dict.fromkeys(f"{_BULLETS}'_~", " "))
_WITH_NAME = re.compile(r"[^<>@]*<([^<>@]+@[^<>@]+)>")
"""An address as mail programs copy it: `Ada Lovelace <ada@example.org>`."""


def clean_email(text: str | None) -> str:
    """Return `<mailto:ada@example.org>,` as `ada@example.org`."""
    return _until_unchanged(_clean_email_once, text or "")


def clean_phone(text: str | None) -> str:
    """Return `tel:+1\u2011202\u2022555\u20220143,` as `+1-202 555 0143`."""
    return _until_unchanged(_clean_phone_once, text or "")


def email_address(typed: str) -> str:
    """Return a cleaned address in the form that every mail server accepts, with an ASCII domain.

    Raises `ValueError` with a message for the shopper. No DNS queries are made.
    """
    try:
        address = validate_email(
            typed, check_deliverability=False, allow_smtputf8=False, strict=True
        )
        if len(address.domain.rpartition(".")[2]) == 1:
            raise EmailNotValidError("no top-level domain has a single letter")
    except EmailNotValidError:
        local_part = typed.rpartition("@")[0]
        if not local_part.isascii():
            message = NOT_ASCII
        elif len(local_part) > MAX_LOCAL_PART or len(typed) > MAX_ADDRESS:
            message = ADDRESS_TOO_LONG
        else:
            message = NOT_AN_ADDRESS
        raise ValueError(gettext(message)) from None
    return address.ascii_email or address.normalized


def readable_address(address: str) -> str:
    """Return `ada@xn--mnchen-3ya.de` as `ada@münchen.de`."""
    return validate_email(address, check_deliverability=False).normalized


def _until_unchanged(clean_once: Callable[[str], str], text: str) -> str:
    if len(text) > MAX_TYPED:
        return text
    while (cleaned := clean_once(text)) != text:
        text = cleaned
    return text


def _clean_email_once(text: str) -> str:
    text = _clean_once(text)
    if match := _WITH_NAME.fullmatch(text):
        return match[1]
    local_part, at, domain = text.rpartition("@")
    # keyboards add a space after a suggested word; U+3002 is the full stop of Chinese and Japanese
    domain = re.sub(r"\s*[.\u3002]\s*", ".", domain.strip())
    return local_part.rstrip() + at + domain


def _clean_phone_once(text: str) -> str:
    return " ".join(_clean_once(text).translate(_PHONE_SEPARATORS).split())


def _clean_once(text: str) -> str:
    """Do the cleaning that email addresses and phone numbers share."""
    text = "".join(map(_fold, text.translate(_ASCII_EQUIVALENTS)))
    text = unicodedata.normalize("NFC", text).lstrip(_BULLETS).rstrip(f"{_BULLETS},;.:!?").strip()
    if match := _SCHEME.fullmatch(text):
        return unquote(match[1].partition("?")[0])
    first, inner, last = text[:1], text[1:-1], text[1:][-1:]
    if last and last in _CLOSERS.get(first, ""):
        return text if first != last and {first, last} & set(inner) else inner
    if sum(text.count(mark) for mark in _LONE) == 1:
        return text.strip(_LONE)
    return text


def _fold(character: str) -> str:
    """Replace full-width and other variants of a character with the usual one, and drop invisible
    characters.

    A superscript or subscript digit may be a footnote mark rather than part of the contact, so it
    is left as it is and fails validation.
    """
    if unicodedata.decomposition(character).startswith(("<super>", "<sub>", "<fraction>")):
        return character
    return "".join(
        "-" if unicodedata.category(char) == "Pd" else char
        for char in unicodedata.normalize("NFKC", character)
        if unicodedata.category(char) not in ("Cf", "Me") and not _DEFAULT_IGNORABLE.match(char)
    )
