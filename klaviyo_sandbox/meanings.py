"""What a recorded request means, and what to do about it, in a sentence for a developer."""

from collections.abc import Mapping
from typing import Any

_BY_DRILL = {
    "drop": "The connection was closed without a reply. Keep the call, and send it again later.",
    "html": "A gateway answered with an HTML page. Take it for a passing failure.",
    "slow": "The reply was held back. A client's own deadline decides how long it waits.",
    "drip": "The reply came byte by byte, which a timeout for each read never ends.",
    "drip-headers": "Even the headers came byte by byte: only a deadline for the whole call helps.",
    "partial": "Klaviyo took the email address and dropped the phone number; a header says so.",
    "cors": "The preflight was refused, so the browser sent nothing and shows a network error.",
}
_BY_CODE = {
    "not_authenticated": "The private key is missing or wrong. Set KLAVIYO_PRIVATE_KEY anew.",
    "permission_denied": "The private key lacks a scope. The error names those that it needs.",
    "variant_not_found": "Klaviyo's catalog has no such variant. Look at the composite ID.",
    "throttled": "Too many calls. Wait as long as Retry-After says, and send it again.",
    "duplicate": "The profile waits for this variant already. Take it for a success.",
    "gone": "The revision is retired. Move to a newer one.",
}
_NO_LIST = "There is no such list. Set KLAVIYO_LIST_ID anew."
_BY_STATUS = {
    404: "The path or the revision is not there. Look at the address and the revision header.",
    405: "The method is wrong for this path. The client is at fault; waiting won't help.",
    413: "The body is far larger than any sign-up needs.",
    415: "The Content-Type must be application/vnd.api+json.",
}
_BY_POINTER = {
    "subscriptions": "It gives no consent. Name at least one channel, with its marketing.",
    "push": "PUSH needs a push token, which no profile has here. Offer the other channels.",
    "consent": "Consent can only be given: SUBSCRIBED is the one value.",
    "consented_at": "The time of consent is for a historical import alone, and must be past there.",
    "attributes": "The profile has no email address and no phone number. One of them is needed.",
    "email": "The email address is missing or not valid. Show it beside its field.",
    "phone_number": "The phone number is missing or not valid. Show it beside its field.",
    "id": "The variant's composite ID is malformed: integrationType:::catalogId:::externalId.",
}


def meaning(entry: Mapping[str, Any]) -> str:
    """Return the sentence for one entry of the record."""
    if entry["leak"]:
        return "A private key reached a browser, where anybody can read it. Revoke it at once."
    if not entry["finished"]:
        return "The call is still under way."
    if entry["drill"] in _BY_DRILL:
        return _BY_DRILL[entry["drill"]]
    if entry["status"] is None:
        return "The call was cut short: there was no reply."
    drilled = "A drill made this fail. " if entry["drill"] else ""
    return drilled + _by_reply(entry)


def _by_reply(entry: Mapping[str, Any]) -> str:
    status = entry["status"]
    if entry["method"] == "OPTIONS" and status == 200:
        return "A browser asked whether it may call, and may."
    if status == 202:
        taken = "Klaviyo has taken the request and queued it. It promises no subscription yet."
        return f"{taken} What it then passed over stands below." if entry["notes"] else taken
    if status == 200:
        return "Klaviyo has answered with what was asked for."
    if status >= 500:
        return "A failure on Klaviyo's side. Keep the call, and send it again later."
    first = _first_error(entry["reply"])
    if first["code"] in _BY_CODE:
        return _BY_CODE[first["code"]]
    if status == 404 and first["detail"].startswith("A list "):
        return _NO_LIST
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    source = first.get("source") or {}
    if source.get("parameter") == "revision":
        return "The revision header is missing or malformed. Send a date, such as 2026-07-15."
    if "parameter" in source:
        return "The address holds a parameter that Klaviyo doesn't have for this operation."
    if "company_id" in first["detail"]:
        return "The company ID in the address must be the account's public key."
    return _by_pointer(str(source.get("pointer", "")), first["detail"])


def _by_pointer(pointer: str, detail: str) -> str:
    last = pointer.rsplit("/", 1)[-1]
    if pointer.endswith("/relationships/list/data/id"):
        return _NO_LIST
    if "/relationships/list" in pointer:
        return "The list is missing or malformed. A browser's subscription must name one."
    if pointer.endswith("/profiles/data"):
        return "From one to 1,000 profiles can be sent. Split a longer list."
    if last == "phone_number" and "SMS is not set up" in detail:
        return "The account can send no SMS at all. Set SMS up in Klaviyo, or don't offer it."
    if last == "phone_number" and "supports no SMS" in detail:
        return "The number is good, but the account sends no SMS to its region. Say so beside it."
    return _BY_POINTER.get(
        last, "The body differs from Klaviyo's schema. The client is at fault; waiting won't help."
    )


def _first_error(reply: Any) -> Mapping[str, Any]:
    errors = reply.get("errors") if isinstance(reply, dict) else None
    return errors[0] if errors else {"code": "", "detail": ""}
