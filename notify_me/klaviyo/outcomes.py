"""What an answer of Klaviyo's means: five outcomes, and the words that go with each.

Decided by status and code first, then by the last part of the error's pointer, since a
throttled call and a bad company ID share the pointer `/data`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..i18n.catalogs import N_
from .calls import Endpoint, Operation

ACCEPTED_STATUS = 202

UNAVAILABLE = N_("We can't take sign-ups just now. Please try again later.")
BLOCKED = N_(
    "Your browser couldn't reach the service that sends the news. If a content blocker is on, "
    "please allow it for this page and try again."
)
NEEDS_SCRIPT = N_("This form needs JavaScript. Please turn it on and try again.")
TRY_AGAIN = N_("That didn't go through. Please try again in a moment.")
VARIANT_UNKNOWN = N_("This option can't be watched for you yet. The shop has been told.")
EMAIL_REFUSED = N_("This email address wasn't accepted. Please check it.")
PHONE_REFUSED = N_("This phone number wasn't accepted. Please check it.")
PARTIAL_FAILURE = "X-Klaviyo-Partial-Failure"
"""Names what Klaviyo left out of a call that it otherwise took."""


@dataclass(frozen=True, slots=True)
class KlaviyoResponse:
    """What came back for one call. `status` None: no answer (dropped, too late, not sent)."""

    status: int | None
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[Mapping[str, Any], ...] = ()
    """The JSON:API error objects; empty when the body held none."""
    problem: str = ""
    """Without an answer: what went wrong, in a few words and without contact details."""
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The JSON:API document; empty when the body held none."""

    @property
    def error(self) -> Mapping[str, Any]:
        """The first error, which decides; empty when there is none."""
        return self.errors[0] if self.errors else {}

    @property
    def code(self) -> str:
        """Klaviyo's `code`, such as `invalid`; empty without an error body."""
        return _plain(self.error.get("code"))

    @property
    def error_id(self) -> str:
        """Klaviyo's `id` of the error, for its support; empty without an error body."""
        return _plain(self.error.get("id"))

    @property
    def pointer(self) -> str:
        """`source.pointer`, such as `/data/attributes/profile/data/attributes/email`."""
        source = self.error.get("source")
        return _plain(source.get("pointer")) if isinstance(source, Mapping) else ""

    @property
    def retry_after(self) -> int | None:
        """Seconds that Klaviyo asks to wait, or None."""
        value = self.headers.get("Retry-After", "")
        return int(value) if re.fullmatch(r"[0-9]{1,6}", value) else None


def _plain(value: object) -> str:
    """A name of Klaviyo's as it may be logged: an address or a text in its place may not."""
    text = "" if value is None else str(value)
    return text if re.fullmatch(r"[\w./\[\]-]{0,120}", text, re.ASCII) else "(unreadable)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The base of the five outcomes."""

    response: KlaviyoResponse
    message: str = ""
    """The sentence for the shopper, in English, as the log keeps it: translated where it is said.
    Empty when the call was accepted.
    """
    remedy: str = ""
    """What the operator should know or do; for the log."""


class Accepted(Outcome):
    """Klaviyo has it: 202, or 409 on back in stock, which is a repeat.

    With a `message`, it was taken without the phone number.
    """


@dataclass(frozen=True, slots=True)
class Refused(Outcome):
    """The shopper can mend it: `field` names the form field it belongs to."""

    field: str = "email"


class Temporary(Outcome):
    """Nobody's fault and it will pass: 429, 5xx, no answer, something that isn't Klaviyo."""


class Misconfigured(Outcome):
    """The merchant must mend it: key, scope, revision, list."""


class DeadLetter(Outcome):
    """A refusal that neither shopper nor settings explain; ours to look at."""


_CURES = {
    401: "Klaviyo refused the private key: check KLAVIYO_PRIVATE_KEY",
    403: (
        "the private key lacks a scope: it needs catalogs:write and profiles:write, for consent "
        "lists:read, lists:write and subscriptions:write as well"
    ),
    404: "Klaviyo refused the revision: check KLAVIYO_REVISION",
    410: "Klaviyo has retired the revision: set KLAVIYO_REVISION to a newer one",
}


_CATALOG_SCOPES = (
    "the private key lacks a scope: the catalog takes catalogs:read and catalogs:write"
)

_CLIENT_CURES = {
    401: "check KLAVIYO_PUBLIC_KEY",
    403: "check the allowed domains of the public key in Klaviyo",
}
"""Where they differ from those for the server's calls."""


def outcome_of(
    answer: KlaviyoResponse, operation: Operation, endpoint: Endpoint = "api"
) -> Outcome:
    """The outcome of one answer to an operation, by the contract's table of errors."""
    status = answer.status
    if status == ACCEPTED_STATUS or (status == 409 and operation is Operation.BACK_IN_STOCK):
        if "phone_number" in answer.headers.get(PARTIAL_FAILURE, ""):
            return Accepted(answer, PHONE_REFUSED, "taken without the phone number")
        return Accepted(answer)
    # a page of HTML comes from something in between, whatever its status
    from_elsewhere = "html" in answer.headers.get("Content-Type", "")
    if status is None or status == 429 or not 400 <= status < 500 or from_elsewhere:
        return Temporary(answer, TRY_AGAIN, answer.problem or _why_temporary(answer))
    if status == 404 and answer.code == "variant_not_found":
        cure = "Klaviyo's catalog has no variant under this composite ID"
        return Refused(answer, VARIANT_UNKNOWN, cure, field="variants")
    if status == 400 and operation is not Operation.UPDATE_VARIANT:
        return _bad_request(answer)
    if status == 403 and operation is Operation.UPDATE_VARIANT:
        return Misconfigured(answer, UNAVAILABLE, _CATALOG_SCOPES)
    if status in _CURES:
        cures = _CURES if endpoint == "api" else _CURES | _CLIENT_CURES
        return Misconfigured(answer, UNAVAILABLE, cures[status])
    if status == 400:
        return _refused_body(answer)
    return DeadLetter(
        answer, UNAVAILABLE, f"Klaviyo answered {status}, which this kit doesn't expect"
    )


def _why_temporary(answer: KlaviyoResponse) -> str:
    if answer.status == 429:
        return f"throttled; retry after {answer.retry_after or '?'} s"
    return f"answered {answer.status}"


def _bad_request(answer: KlaviyoResponse) -> Outcome:
    pointer = answer.pointer
    if "/relationships/list" in pointer:
        return Misconfigured(answer, UNAVAILABLE, "Klaviyo doesn't know the list: KLAVIYO_LIST_ID")
    match pointer.rstrip("/").rsplit("/", 1)[-1]:
        case "email":
            return Refused(answer, EMAIL_REFUSED, "email refused", field="email")
        case "phone_number":
            return Refused(answer, PHONE_REFUSED, "phone number refused", field="phone_number")
        case "data" if pointer.rstrip("/") == "/data":
            cure = "Klaviyo refused the whole request: is KLAVIYO_PUBLIC_KEY right?"
            return Misconfigured(answer, UNAVAILABLE, cure)
    return _refused_body(answer)


def _refused_body(answer: KlaviyoResponse) -> Outcome:
    cure = f"Klaviyo refused the body at {answer.pointer or 'no pointer'}"
    return DeadLetter(answer, UNAVAILABLE, cure)
