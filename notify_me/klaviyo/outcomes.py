"""The meaning of Klaviyo's response to a call, as one of six outcomes.

The HTTP status and the error's `code` are examined first, then the pointers of the errors. Pointers
alone aren't enough: a throttled call and a wrong company ID have the same one, `/data`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from werkzeug.http import parse_date

from ..channels import Channel
from ..i18n.catalogs import N_
from .calls import Endpoint, Operation

UNAVAILABLE = N_("We can’t take sign-ups right now. Please try again later.")
BLOCKED = N_(
    "Your browser couldn’t reach our alert service. If you use a content blocker, turn it off for "
    "this page and try again."
)
NEEDS_SCRIPT = N_("This form needs JavaScript. Please turn it on and try again.")
TRY_AGAIN = N_("Your request didn’t go through. Please try again in a moment.")
VARIANT_UNKNOWN = N_("Alerts aren’t available for this option yet.")
EMAIL_REFUSED = N_("This email address wasn’t accepted. Please check it.")
PHONE_REFUSED = N_("We can’t send messages to this phone number. Please check it.")
FIELD_MESSAGES = {
    "variants": VARIANT_UNKNOWN,
    "email": EMAIL_REFUSED,
    "phone_number": PHONE_REFUSED,
}
"""The message next to a form field whose value Klaviyo refused, by field."""
_FIELD_PROBLEMS = {
    "email": "Klaviyo rejected the email address",
    "phone_number": (
        "Klaviyo rejected the phone number: it may be invalid, or the account can't send messages "
        "to its country"
    ),
}


@dataclass(frozen=True, slots=True)
class KlaviyoResponse:
    """Klaviyo's response to one call, or the reason why there is none."""

    status: int | None
    """The HTTP status; None without a response (connection lost, deadline passed, not sent)."""
    headers: Mapping[str, str] = field(default_factory=dict)
    document: Any = field(default=None, repr=False)
    """The decoded JSON body, a JSON:API document; None if the body was empty or not JSON."""
    problem: str = ""
    """Why there is no response, for logs: without contact details or keys."""

    @property
    def resources(self) -> list[Mapping[str, Any]]:
        """The resource objects in the document's `data`, which is one object or a list."""
        return objects(self.document, "data")

    @property
    def error(self) -> Mapping[str, Any]:
        """The first JSON:API error object; empty without errors."""
        return next(iter(objects(self.document, "errors")), {})

    @property
    def pointers(self) -> list[str]:
        """The `source.pointer` of each error."""
        return [_pointer(error) for error in objects(self.document, "errors")]

    @property
    def code(self) -> str:
        """The first error's `code`, such as `invalid`; empty without an error."""
        return _safe_to_log(self.error.get("code"))

    @property
    def error_id(self) -> str:
        """The first error's `id`, which Klaviyo support asks for; empty without an error."""
        return _safe_to_log(self.error.get("id"))

    @property
    def pointer(self) -> str:
        """The first error's `source.pointer`, such as
        `/data/attributes/profile/data/attributes/email`; empty if it has none.
        """
        return _pointer(self.error)

    @property
    def retry_after(self) -> int | None:
        """The seconds to wait before the next attempt, from `Retry-After`; None without that
        header.

        Klaviyo sends a number of seconds; a proxy may send a date.
        """
        value = self.headers.get("Retry-After", "")
        if re.fullmatch(r"[0-9]{1,6}", value):
            return int(value)
        date = parse_date(value)
        return max(0, math.ceil((date - datetime.now(UTC)).total_seconds())) if date else None

    @property
    def is_temporary_failure(self) -> bool:
        """Whether a later attempt may succeed: after no response, a 429, a 5xx or a web page."""
        status = self.status
        return status is None or status == 429 or status >= 500 or self.is_html

    @property
    def is_html(self) -> bool:
        """Whether this is a web page, which comes from a proxy or firewall, not from Klaviyo."""
        return "html" in self.headers.get("Content-Type", "")


def mapping(value: object) -> Mapping[str, Any]:
    """Return a value that should be a JSON object; an empty object if it is anything else."""
    return value if isinstance(value, Mapping) else {}


def attribute(resource: Mapping[str, Any], name: str) -> Any:
    """Return an attribute of a JSON:API resource object, or None."""
    return mapping(resource.get("attributes")).get(name)


def objects(document: Any, member: str) -> list[Mapping[str, Any]]:
    """Return the objects in a member of a document, without anything that isn't an object."""
    value = mapping(document).get(member)
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, Mapping)]


def _pointer(error: Mapping[str, Any]) -> str:
    return _safe_to_log(mapping(error.get("source")).get("pointer"))


def _safe_to_log(value: object) -> str:
    """Return the value if it looks like an identifier, otherwise `(unreadable)`, since other text
    may contain contact details.
    """
    text = "" if value is None else str(value)
    return text if re.fullmatch(r"[\w./\[\]-]{0,120}", text, re.ASCII) else "(unreadable)"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one Klaviyo call: the base class of the six below."""

    response: KlaviyoResponse
    message: str = ""
    """The message for the shopper in English, translated when shown; empty if accepted."""
    explanation: str = ""
    """What went wrong and, if the operator can do something about it, what to do: shown in logs and
    on the merchant's pages.
    """
    refused_channels: frozenset[Channel] = frozenset()
    """The channels that Klaviyo refused, in this call or in an earlier one of the same sign-up."""


class Accepted(Outcome):
    """Klaviyo accepted the call or already has its data (409), or there was nothing to send."""


@dataclass(frozen=True, slots=True)
class Refused(Outcome):
    """Klaviyo refused what the shopper entered."""

    fields: tuple[str, ...] = ("email",)
    """The form fields at fault."""

    def merged_with(self, earlier: Refused) -> Refused:
        """Return this refusal combined with an earlier one."""
        return replace(
            self,
            refused_channels=self.refused_channels | earlier.refused_channels,
            fields=tuple(dict.fromkeys((*earlier.fields, *self.fields))),
        )


class UnknownVariant(Outcome):
    """Klaviyo's catalog doesn't have the variant yet. The call is queued, since the server may
    create the variant, or Klaviyo may read it from a feed, which it does every six hours.
    """


class Temporary(Outcome):
    """Worth retrying: 429, 5xx, no response, or a response that isn't from Klaviyo."""


class Misconfigured(Outcome):
    """The merchant must fix the key, its scopes, the API revision or the list ID."""


class DeadLetter(Outcome):
    """Automatic retries won't help: the error response was unexpected, the variant's ID is a
    placeholder, or the worker failed. If a worker made the call, it is dead-lettered; if a shopper
    is waiting, it fails.
    """


UNKNOWN_TO_KLAVIYO = "this variant isn't in Klaviyo's catalog"
_REMEDIES = {
    401: "Klaviyo rejected the private key: check KLAVIYO_PRIVATE_KEY",
    403: (
        "the private key lacks a scope: create a private key with catalogs:write and "
        "profiles:write (for marketing consent, also lists:read, lists:write and "
        "subscriptions:write), and set KLAVIYO_PRIVATE_KEY to it"
    ),
    404: "Klaviyo rejected the API revision: check KLAVIYO_REVISION",
    410: "Klaviyo has retired the API revision: set KLAVIYO_REVISION to a newer revision",
}
_CATALOG_REMEDIES = {
    **_REMEDIES,
    403: (
        "the private key lacks a scope: create a private key that also has catalogs:read and "
        "catalogs:write, and set KLAVIYO_PRIVATE_KEY to it"
    ),
}
PUBLIC_KEY_REMEDIES = {
    400: "Klaviyo doesn't recognize the public key: check KLAVIYO_PUBLIC_KEY",
    401: "Klaviyo rejected the public key: check KLAVIYO_PUBLIC_KEY",
    403: (
        "Klaviyo doesn't accept the public key from this shop's domain: add the shop's domain to "
        "the allowed domains in Klaviyo"
    ),
}
"""What is wrong and what to do if Klaviyo refuses a browser's call, by status."""
_CLIENT_REMEDIES = {**_REMEDIES, **PUBLIC_KEY_REMEDIES}


PLACEHOLDER_REMEDY = (
    "this variant has a placeholder instead of its ID in Klaviyo's catalog, so nothing was sent to "
    "Klaviyo: import the products with their variant IDs"
)
"""The remedy for a call about a variant whose ID is a placeholder."""


def outcome_of(
    response: KlaviyoResponse,
    operation: Operation,
    endpoint: Endpoint = "api",
    channels: Sequence[Channel] = (),
) -> Outcome:
    """Return the outcome of a call of this operation, according to Klaviyo's response.

    `channels` are those in the body of the call: an error may concern only some of them.

    From "Rate limits, status codes, and errors" in Klaviyo's API documentation.
    """
    status = response.status
    if status == 202 or (status == 409 and operation is Operation.BACK_IN_STOCK):
        if "phone_number" in response.headers.get("X-Klaviyo-Partial-Failure", ""):
            explanation = "accepted without the phone number"
            return Accepted(response, "", explanation, _channels_by(channels, "phone_number"))
        return Accepted(response)
    if response.is_temporary_failure or status is None or status < 400:
        return Temporary(response, TRY_AGAIN, _temporary_problem(response))
    if status == 404 and response.code == "variant_not_found":
        return UnknownVariant(response, VARIANT_UNKNOWN, UNKNOWN_TO_KLAVIYO)
    if status == 400:
        return _bad_request(response, operation, endpoint, channels)
    remedies = _CLIENT_REMEDIES if endpoint == "client" else _REMEDIES
    if operation is Operation.UPDATE_VARIANT:
        remedies = _CATALOG_REMEDIES
    if status in remedies:
        return Misconfigured(response, UNAVAILABLE, remedies[status])
    explanation = f"Klaviyo returned status {status}, which this kit doesn't handle"
    return DeadLetter(response, UNAVAILABLE, explanation)


def _temporary_problem(response: KlaviyoResponse) -> str:
    if response.status == 429:
        if not response.retry_after:
            return "Klaviyo is rate-limiting requests"
        return f"Klaviyo is rate-limiting requests (Retry-After: {response.retry_after} s)"
    return response.problem or f"Klaviyo returned status {response.status}"


def _bad_request(
    response: KlaviyoResponse,
    operation: Operation,
    endpoint: Endpoint,
    channels: Sequence[Channel],
) -> Outcome:
    pointer = response.pointer.rstrip("/")
    if operation is not Operation.UPDATE_VARIANT:
        if "/relationships/list" in pointer:
            remedy = "Klaviyo has no list with this ID: check KLAVIYO_LIST_ID"
            return Misconfigured(response, UNAVAILABLE, remedy)
        if pointer == "/data" and endpoint == "client":
            return Misconfigured(response, UNAVAILABLE, PUBLIC_KEY_REMEDIES[400])
        refusals = [_refusal(error_pointer, channels) for error_pointer in response.pointers]
        if refused := [*filter(None, refusals)]:
            fields = tuple(dict.fromkeys(field for field, _ in refused))
            return Refused(
                response,
                FIELD_MESSAGES[fields[0]],
                "; ".join(_FIELD_PROBLEMS[field] for field in fields),
                frozenset().union(*(refused_channels for _, refused_channels in refused)),
                fields,
            )
    reason = f"at {pointer}" if pointer else "without saying why"
    explanation = f"Klaviyo rejected the request body {reason}"
    return DeadLetter(response, UNAVAILABLE, explanation)


def _refusal(pointer: str, channels: Sequence[Channel]) -> tuple[str, frozenset[Channel]] | None:
    """Return the form field that an error is about, and which of the call's channels it concerns;
    None for an error about any other part of the body.
    """
    pointer = pointer.rstrip("/")
    if pointer.endswith("/email"):
        return "email", _channels_by(channels, "email")
    if pointer.endswith("/phone_number"):
        phone_channels = _channels_by(channels, "phone_number")
        # if the call has SMS and WhatsApp, the number may be wrong for SMS only, so refuse SMS
        # first: the call is then tried with WhatsApp alone
        return "phone_number", phone_channels & {Channel.SMS} or phone_channels
    if match := re.search(r"/channels/(\d{1,2})$|/subscriptions/(\w+)", pointer):
        position, name = match.groups()
        named = channels[int(position) :][:1] if position else (name.upper(),)
        for channel in channels:
            if channel in named:
                return channel.info.identifier, frozenset({channel})
    return None


def _channels_by(channels: Iterable[Channel], identifier: str) -> frozenset[Channel]:
    return frozenset(channel for channel in channels if channel.info.identifier == identifier)
