"""Clean up contact details that were typed or pasted, and validate email addresses.

`clean_email` and `clean_phone` remove what copying, autocorrection and other apps add. They run
before validation; if that fails, the form shows what they returned. Both are idempotent.
`email_address` and `e164` (in `phone.py`) validate the cleaned contacts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from urllib.parse import unquote

from ..i18n.catalogs import N_
from ..i18n.text import gettext

NOT_AN_ADDRESS = N_("Enter a full email address, like name@example.com.")
NOT_ASCII = N_(
    "We can’t send email to this address. Before the @, use only letters from a to z, digits and "
    "symbols."
)
ADDRESS_TOO_LONG = N_("This email address is too long. Please check it.")
SEVERAL_ADDRESSES = N_("Enter only one email address.")

MAX_LOCAL_PART, MAX_ADDRESS = 64, 254
"""Maximum number of characters before the @, and in a whole address (RFC 5321)."""
MAX_TYPED = 500
"""Longer text isn't cleaned: it can't be valid, and thousands of nested brackets would take
seconds.
"""

_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\ufff0-\ufffc\U000e0000-\U000e0fff]"
)
"""Invisible characters outside the categories that `_fold` removes."""
_ASCII_EQUIVALENTS = str.maketrans(
    dict.fromkeys("\u00b4\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\ua78c", "'")
    | dict.fromkeys("\u02d7\u2043\u2212\u30fc", "-")
    | {"\u2795": "+"}
)
_PHONE_SEPARATORS = str.maketrans(
    dict.fromkeys("\u00b7\u2022\u2219\u22c5\u2027\u25cf\u25aa\u25e6\u30fb'_~", " ")
)

_LABEL = re.compile(r"[^\w@+(#*]*[^\W\d_][^\d@+(:/]{0,29}:(?://)?(.*)", re.DOTALL)
"""A link such as `mailto:ada@example.org?subject=Hi`, or a label as in `Phone: 202 555 0143`."""
_REMARK = re.compile(r"^\([^()@\d]*\)|\([^()@\d]*\)$")
"""A remark in parentheses before or after a contact, such as `(work)`."""

_PART = r"[^\s@<>()\[\]{}\",;:|]+"
_ADDRESS = re.compile(f"{_PART}@{_PART}")
_ENCLOSED = re.compile(rf"[<(\[{{]\s*({_PART}@{_PART})\s*[>)\]}}]")
"""An address with a name, as mail programs copy it: `Ada Lovelace <ada@example.org>`."""
_FIRST_SYMBOLS = frozenset("!#$%&+-./=?^_{|}~@")
"""Symbols that may be the intended first character of an address. Others were copied by accident.
"""
_NUMBER = re.compile(r"[^\w+(#*]*([+(\s]*\d[\d\s()+./-]*)[^\w)#]*")
"""A phone number, and the symbols around it that were copied by accident."""


def clean_email(text: str | None) -> str:
    """Remove what isn't part of an email address: `Ada <mailto:ada@example.org>,` becomes
    `ada@example.org`.
    """
    return _until_unchanged(_clean_email_once, text or "")


def clean_phone(text: str | None) -> str:
    """Remove what isn't part of a phone number: `tel:+1\u2011202\u2022555\u20220143,` becomes
    `+1-202 555 0143`.
    """
    return _until_unchanged(_clean_phone_once, text or "")


def email_address(typed: str) -> str:
    """Return a cleaned address in the form that every mail server accepts, with an ASCII domain.

    Raises `ValueError` with a message for the shopper. No DNS queries are made.
    """
    # imported here, because compiling its regular expressions takes 5% of the total import time
    from email_validator import EmailNotValidError, validate_email

    try:
        address = validate_email(
            typed, check_deliverability=False, allow_smtputf8=False, strict=True
        )
        if len(address.domain.rpartition(".")[2]) == 1:
            raise EmailNotValidError("no top-level domain has a single letter")
    except EmailNotValidError:
        local_part = typed.rpartition("@")[0]
        if len(_ADDRESS.findall(typed)) > 1:
            message = SEVERAL_ADDRESSES
        elif not local_part.isascii():
            message = NOT_ASCII
        elif len(local_part) > MAX_LOCAL_PART or len(typed) > MAX_ADDRESS:
            message = ADDRESS_TOO_LONG
        else:
            message = NOT_AN_ADDRESS
        raise ValueError(gettext(message)) from None
    return address.ascii_email or address.normalized


def readable_address(address: str) -> str:
    """Return an address with its domain in Unicode: `ada@xn--mnchen-3ya.de` as `ada@münchen.de`."""
    from email_validator import validate_email

    return validate_email(address, check_deliverability=False).normalized


def _until_unchanged(clean_once: Callable[[str], str], text: str) -> str:
    if len(text) > MAX_TYPED:
        return text
    while (cleaned := clean_once(text)) != text:
        text = cleaned
    return text


def _clean_email_once(text: str) -> str:
    text = _clean_once(text)
    addresses: list[str] = [address.strip("'") for address in _ADDRESS.findall(text)]
    # Outlook copies ada@example.org<mailto:ada@example.org>
    if len(addresses) > 1 and len({address.casefold() for address in addresses}) == 1:
        return addresses[0]
    if len(addresses) == 1 and (enclosed := _ENCLOSED.search(text)):
        return enclosed[1]
    local_part, _, domain = text.rpartition("@")
    # remove bullets first, then the symbols at either end that were copied by accident
    local_part = re.sub(r"^[^\w@]+\s", "", local_part)
    first_symbols = set(_characters(local_part, "PZ") + "<>`") - _FIRST_SYMBOLS
    local_part = local_part.lstrip("".join(first_symbols)).rstrip()
    domain = domain.rstrip(_characters(domain, "PSZ"))
    # keyboards add a space after a suggested word; U+3002 is the full stop of Chinese and Japanese
    domain = re.sub(r"\s*[.\u3002]\s*", ".", domain.lstrip())
    address = f"{local_part}@{domain}"
    return address if _ADDRESS.fullmatch(address) else text


def _clean_phone_once(text: str) -> str:
    text = _clean_once(text).translate(_PHONE_SEPARATORS)
    if number := _NUMBER.fullmatch(text):
        text = number[1].rstrip("./-")
    return " ".join(text.split())


def _clean_once(text: str) -> str:
    """Apply the cleaning steps that email addresses and phone numbers share."""
    text = "".join(map(_fold, text.translate(_ASCII_EQUIVALENTS)))
    text = unicodedata.normalize("NFC", text).strip()
    if label := _LABEL.fullmatch(text):
        text = unquote(re.split(r"\?|&body=", label[1])[0])
    return _REMARK.sub("", text)


def _fold(character: str) -> str:
    """Replace a variant of a character, such as a full-width letter, with the usual character, and
    a digit in another script with 0 to 9. Drop an invisible character.

    A superscript or subscript digit may be a footnote mark rather than part of the contact, so it
    isn't replaced and fails validation.
    """
    if unicodedata.decomposition(character).startswith(("<super>", "<sub>", "<fraction>")):
        return character
    folded = ""
    for char in unicodedata.normalize("NFKC", character):
        category = unicodedata.category(char)
        if category == "Pd":
            folded += "-"
        elif category == "Nd":
            folded += str(unicodedata.digit(char))
        # icon fonts use private-use characters (Co)
        elif not (category in ("Cf", "Co", "Me") or _INVISIBLE.match(char)):
            folded += char
    return folded


def _characters(text: str, categories: str) -> str:
    """Return the characters whose Unicode category begins with a letter in `categories`."""
    return "".join(char for char in text if unicodedata.category(char)[0] in categories)
