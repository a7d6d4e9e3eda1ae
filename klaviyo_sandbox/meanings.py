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
    "permission_denied": "The private key needs the scopes catalogs:write and profiles:write.",
    "variant_not_found": "Klaviyo's catalog has no such variant. Look at the composite ID.",
    "throttled": "Too many calls. Wait as long as Retry-After says, and send it again.",
    "duplicate": "The profile waits for this variant already. Take it for a success.",
    "gone": "The revision is retired. Move to a newer one.",
}
_BY_STATUS = {
    404: "The path or the revision is not there. Look at the address and the revision header.",
    405: "The method is wrong for this path. The client is at fault; waiting won't help.",
    413: "The body is far larger than any sign-up needs.",
    415: "The Content-Type must be application/vnd.api+json.",
}
_BY_POINTER = {
    "email": "The email address is not valid. Show it beside its field.",
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
        return "Klaviyo has taken the request and queued it. It promises no subscription yet."
    if status >= 500:
        return "A failure on Klaviyo's side. Keep the call, and send it again later."
    first = _first_error(entry["reply"])
    if first["code"] in _BY_CODE:
        return _BY_CODE[first["code"]]
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    source = first.get("source") or {}
    if source.get("parameter") == "revision":
        return "The revision header is missing or malformed. Send a date, such as 2026-07-15."
    pointer = str(source.get("pointer", ""))
    if "company_id" in first["detail"]:
        return "The company ID in the address must be the account's public key."
    if "/relationships/list" in pointer:
        return "There is no such list. Set KLAVIYO_LIST_ID anew."
    return _BY_POINTER.get(
        pointer.rsplit("/", 1)[-1],
        "The body differs from Klaviyo's schema. The client is at fault; waiting won't help.",
    )


def _first_error(reply: Any) -> Mapping[str, Any]:
    errors = reply.get("errors") if isinstance(reply, dict) else None
    return errors[0] if errors else {"code": "", "detail": ""}
