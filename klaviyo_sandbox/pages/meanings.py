"""What a recorded request means, and what to do about it, in a sentence or two for a developer."""

from collections.abc import Mapping
from typing import Any

from ..operations.operation import PARTIAL_FAILURE
from .refusals import refusal

_BY_DRILL = {
    "drop": "The connection was closed without a reply. Keep the call, and send it again later.",
    "html": "A gateway answered with an HTML page. Take it for a passing failure.",
    "slow": "The reply was held back. A client's own deadline decides how long it waits.",
    "drip": "The reply came byte by byte, which a timeout for each read never ends.",
    "drip-headers": "Even the headers came byte by byte: only a deadline for the whole call helps.",
    "cors": "The preflight was refused, so the browser sent nothing and shows a network error.",
}
_PARTIAL = "Klaviyo took the email address and dropped the phone number; a header says so."
_NOT_PARTIAL = (
    "The drill changed nothing: only a call with an email address and a phone number can be taken "
    "in part."
)
_BY_OPERATION = {
    "get_accounts": "The private key is good, and this is its account. Compare the public key.",
    "get_list": "The list is there. Its opt-in says whether a subscriber must confirm.",
    "get_metrics": "These are the account's metrics. A back-in-stock flow starts from the first.",
    "get_flows": "This is the flow. Only a live or manual one takes people who sign up.",
    "get_flows_triggered_by_metric": (
        "These flows start from the metric. Without a live one, nobody hears of a restock."
    ),
    "create_catalog_variant": (
        "Klaviyo has created the variant. From now on only the catalog's own can be watched."
    ),
    "update_catalog_variant": "Klaviyo has changed the variant. A change of stock runs the flow.",
}
_QUEUED = "Klaviyo has taken the request and queued it. It promises no subscription yet."
_JOB = "Klaviyo has queued the job. Ask for it by its ID: what can't be written is named there."


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
    if entry["drill"] == "partial":
        if PARTIAL_FAILURE in entry["reply_headers"]:
            return _PARTIAL
        return f"{_NOT_PARTIAL} {_answered(entry)}"
    drilled = "A drill made this fail. " if entry["drill"] else ""
    return drilled + _answered(entry)


def _answered(entry: Mapping[str, Any]) -> str:
    status = entry["status"]
    if status >= 400:
        return refusal(entry)
    if entry["method"] == "OPTIONS":
        return "A browser asked whether it may call, and may."
    said = _success(entry)
    return f"{said} What it then did stands below." if entry["notes"] else said


def _success(entry: Mapping[str, Any]) -> str:
    operation = entry["operation"] or ""
    if operation in _BY_OPERATION:
        return _BY_OPERATION[operation]
    match entry["status"]:
        case 202 if operation.startswith("bulk_") and "catalog" in operation:
            return _JOB
        case 202:
            return _QUEUED
        case 201:
            return "Klaviyo has created it."
        case _ if entry["method"] == "PATCH":
            return "Klaviyo has changed it."
        case _:
            return "Klaviyo has answered with what was asked for."
