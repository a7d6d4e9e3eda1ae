"""Explains recorded requests to developers: what each one means, and what to do about it."""

import re
from collections.abc import Mapping
from typing import Any

from ..operations.operation import PARTIAL_FAILURE
from ..protocol.failures import KINDS
from ..serving.api import OPERATIONS

_SUCCESS_BY_OPERATION = {
    "get_accounts": (
        "The private key is valid, and this is its account. Check that the account's "
        "public_api_key is the public key you use."
    ),
    "get_list": "The list exists. Its opt_in_process says whether subscribers must confirm.",
    "get_metrics": "These are the account's metrics. The first one triggers back-in-stock flows.",
    "get_flows": "Sign-ups only join the waiting list if a back-in-stock flow is live or manual.",
    "get_flows_triggered_by_metric": (
        "These flows are triggered by the metric. Without a live flow, nobody is notified of a "
        "restock."
    ),
    "create_catalog_variant": (
        "Klaviyo created the variant. From now on, sign-ups for variants of $custom:::$default "
        "that aren't in the catalog are refused."
    ),
    "update_catalog_variant": "Klaviyo updated the variant. A change in stock triggers the flow.",
}
_BY_CODE = {
    "not_authenticated": (
        "The private key is missing or invalid. Set KLAVIYO_PRIVATE_KEY to a valid key."
    ),
    "variant_not_found": "Klaviyo's catalog has no such variant. Check the composite ID.",
    "throttled": "Too many requests. Wait as long as Retry-After says, then try again.",
    "gone": "The revision is retired. Use a newer one.",
}
_UNKNOWN_LIST = "There is no such list. Set KLAVIYO_LIST_ID to the ID of a list."
_INVALID_LIST = "The list is missing or malformed. Subscriptions from a browser need a list."
_NO_ITEM = "The item is missing. Send its composite ID in relationships.item.data.id."
_NOT_FOUND = {
    "A list ": _UNKNOWN_LIST,
    "A catalog item ": "The catalog has no such item. Create the item first, then its variants.",
    "A catalog variant ": (
        "The catalog has no such variant. Create the variant first, then change its stock."
    ),
    "A metric ": "The account has no such metric. Use an ID returned by Get Metrics.",
    "There is no such job": (
        "The job doesn't exist or has expired. Use the ID returned when it was created."
    ),
}
"""Explanations by the beginning of the error's detail."""

_BY_STATUS = {
    404: "The path or the revision doesn't exist. Check the URL and the revision header.",
    405: "The method isn't allowed for this path. Fix the client: a retry won't help.",
    413: "The body is larger than Klaviyo accepts. Send less data, or split it into several calls.",
    415: "The Content-Type must be application/vnd.api+json or application/json.",
}
_BY_PARAMETER = {
    "revision": "The revision header is missing or malformed. Send a date, such as 2026-10-15.",
    "filter": (
        "The filter is malformed, or this operation doesn't support it. The error says which "
        "filters are allowed."
    ),
    "page[cursor]": "The cursor isn't valid. Use links.next from the previous page.",
    "page[size]": "The page size is too large or too small. The error says which sizes are valid.",
}
_BY_DETAIL = {
    "company_id": "The company ID in the URL must be the account's public key.",
    "not valid JSON": "The body isn't valid JSON. Fix the client: a retry won't help.",
    "SMS is not set up": (
        "The account can't send SMS at all. Set up SMS in Klaviyo, or don't offer it."
    ),
    "does not support SMS": (
        "The number is valid, but the account can't send SMS to its region. Show this next to "
        "the phone field."
    ),
    "WHATSAPP needs revision": "WHATSAPP needs a newer revision. Send a newer revision header.",
    "push token": "PUSH needs a push token, which no profile has. Offer the other channels.",
}
"""Explanations by a part of the error's detail."""

_INVALID_URL = "malformed. Send a complete URL: https://…"
_BY_POINTER = (
    (r"/relationships/list/data/id$", _UNKNOWN_LIST),
    (r"/relationships/list", _INVALID_LIST),
    (r"/relationships/item", _NO_ITEM),
    (r"^\S*catalog\S* /data/relationships$", _NO_ITEM),
    (
        r"^\S*back_in_stock\S* /data/relationships$",
        "The variant is missing. Send its composite ID in relationships.variant.data.id.",
    ),
    (r"/data/relationships$", _INVALID_LIST),
    (r"^update\S* /data/id$", "The ID in the body must match the one in the URL."),
    (r"/profiles/data$", "Send 1 to 1,000 profiles per call. Split longer lists."),
    (r"/(items|variants)/data$", "Send 1 to 100 entries per job. Split longer lists."),
    (
        r"/channels/",
        "A channel is repeated or unknown. Send each of EMAIL, SMS and WHATSAPP at most once.",
    ),
    (
        r"/channels$",
        "The list of channels is missing or empty. Send at least one of EMAIL, SMS and WHATSAPP.",
    ),
    (
        r"/subscriptions$",
        "The body contains no consent. Send at least one channel with marketing consent.",
    ),
    (
        r"/subscriptions/(email|sms|whatsapp)$",
        "A channel has no valid purpose. Send marketing consent for it, or leave the channel out.",
    ),
    (r"/consent$", "The only valid value of consent is SUBSCRIBED."),
    (
        r"/consented_at$",
        "Send the time of consent only in historical imports, where it is required and must be in "
        "the past.",
    ),
    (
        r"/age_gated_date_of_birth$",
        "The date of birth isn't a valid date. Send it as YYYY-MM-DD.",
    ),
    (
        r"/profiles?/data(/\d+)?/attributes$",
        "The profile has neither an email address nor a phone number. Send at least one.",
    ),
    (
        r"/attributes/email$",
        "The email address is missing or invalid. Show this next to the email field.",
    ),
    (
        r"/phone_number$",
        "The phone number is missing or invalid. Show this next to the phone field.",
    ),
    (r"/profile$", "The profile is missing. Send one with an email address or a phone number."),
    (
        r"/variant/data/id$",
        "The variant's composite ID is missing or malformed. Send "
        "integrationType:::catalogId:::externalId.",
    ),
    (r"/url$", f"The URL is missing or {_INVALID_URL}"),
    (r"/image_(full|thumbnail)_url$", f"The image URL is {_INVALID_URL}"),
    (r"/catalog_type$", "Only the $default catalog can be changed through the API."),
    (
        r"/integration_type$",
        "Only the $custom integration's catalog can be changed through the API.",
    ),
    (r"/external_id$", "The external ID is missing or empty. Send the shop's own ID."),
    (
        r"^\S*catalog\S* \S*/title$",
        "The title is missing or empty. Send the title that shoppers see.",
    ),
)
"""Explanations by a regular expression, which is searched for in `<operation> <pointer>`. The first
match wins.
"""


def explain(entry: Mapping[str, Any]) -> str:
    """Return the explanation of one entry of the request log."""
    drill, status = entry["drill"], entry["status"]
    if entry["leak"]:
        return "A browser sent a private key, which every visitor can read. Revoke it now."
    if not entry["finished"]:
        return "The call is still in progress."
    if drill and (meaning := KINDS[drill].meaning):
        return meaning
    if status is None:
        return "The call was interrupted before it got a response."
    if drill == "partial" and PARTIAL_FAILURE in entry["reply_headers"]:
        return (
            f"Klaviyo accepted the email address, but not the phone number: see {PARTIAL_FAILURE}."
        )
    prefix = "This is a simulated failure. " if drill else ""
    if drill == "partial":
        prefix = (
            "The simulated failure had no effect: it needs a call with an email address and a "
            "phone number. "
        )
    return prefix + (_refusal(entry) if status >= 400 else _success(entry))


def _success(entry: Mapping[str, Any]) -> str:
    operation, status = entry["operation"] or "", entry["status"]
    if entry["method"] == "OPTIONS":
        return "A preflight request: the browser asked whether it may make the call. It may."
    sentence = "Klaviyo returned the requested data."
    if operation in _SUCCESS_BY_OPERATION:
        sentence = _SUCCESS_BY_OPERATION[operation]
    elif operation.startswith("bulk_") and "catalog" in operation:
        sentence = "Klaviyo queued the job. Fetch it by its ID to see what couldn't be written."
    elif status == 202:
        sentence = "Klaviyo accepted the request. The subscription is being processed."
    elif status == 201:
        sentence = "Klaviyo created the item."
    elif entry["method"] == "PATCH":
        sentence = "Klaviyo updated the item."
    return f"{sentence} See the notes below." if entry["notes"] else sentence


def _refusal(entry: Mapping[str, Any]) -> str:
    status, operation = entry["status"], entry["operation"] or ""
    if status >= 500:
        return "Klaviyo couldn't process the call. Queue it and retry it later."
    errors = entry["reply"].get("errors") if isinstance(entry["reply"], dict) else None
    error: Mapping[str, Any] = errors[0] if errors else {"code": "", "detail": ""}
    code, detail, source = error["code"], error["detail"], error.get("source") or {}
    if code == "permission_denied":
        return _access_problem(operation)
    if code == "duplicate":
        if "catalog" in operation:
            return "The entry is already in the catalog. Update it (PATCH) instead of creating it."
        return "The profile is already on this variant's waiting list: treat this as a success."
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status == 404:
        for beginning, sentence in _NOT_FOUND.items():
            if detail.startswith(beginning):
                return sentence
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if parameter := source.get("parameter"):
        return _BY_PARAMETER.get(
            parameter,
            "The URL contains a query parameter or value that this operation doesn't support.",
        )
    for part, sentence in _BY_DETAIL.items():
        if part in detail:
            return sentence
    for pattern, sentence in _BY_POINTER:
        if re.search(pattern, f"{operation} {source.get('pointer', '')}"):
            return sentence
    return "The body doesn't match Klaviyo's schema. Fix the client: a retry won't help."


def _access_problem(operation: str) -> str:
    if "_client_" in operation:
        return (
            "Klaviyo refused the page's origin. Add the shop's domain to the allowed domains in "
            "Klaviyo."
        )
    scopes = next((called.scopes for called in OPERATIONS if called.name == operation), ())
    *others, last = scopes or ("a scope",)
    problem = (
        f"This operation needs the scopes {', '.join(others)} and {last}, and the private key "
        "lacks at least one of them."
        if others
        else f"The private key lacks {last}."
    )
    return f"{problem} Create a key with every required scope, and set KLAVIYO_PRIVATE_KEY to it."
