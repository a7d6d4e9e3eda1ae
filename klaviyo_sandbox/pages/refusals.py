"""Why Klaviyo refused a recorded request, and the cure: first by code, then status, then place."""

from collections.abc import Mapping
from typing import Any

from ..protocol import spec

_CATALOG = "catalog"
_BY_CODE = {
    "not_authenticated": "The private key is missing or wrong. Set KLAVIYO_PRIVATE_KEY anew.",
    "variant_not_found": "Klaviyo's catalog has no such variant. Look at the composite ID.",
    "throttled": "Too many calls. Wait as long as Retry-After says, and send it again.",
    "gone": "The revision is retired. Move to a newer one.",
}
_NO_LIST = "There is no such list. Set KLAVIYO_LIST_ID anew."
_BAD_LIST = "The list is missing or malformed. A browser's subscription must name one."
_NO_ITEM = "The variant names no item. Send the item's composite ID as its relationship."
_BY_STATUS = {
    404: "The path or the revision is not there. Look at the address and the revision header.",
    405: "The method is wrong for this path. The client is at fault; waiting won't help.",
    413: "The body is far larger than any sign-up needs. Send less, or in several calls.",
    415: "The Content-Type must be application/vnd.api+json.",
}
_BY_POINTER = {
    "subscriptions": "It gives no consent. Name at least one channel, with its marketing.",
    "push": "PUSH needs a push token, which no profile has here. Offer the other channels.",
    "consent": "Consent can only be given: SUBSCRIBED is the one value.",
    "consented_at": "The time of consent is for a historical import alone, and must be past there.",
    "age_gated_date_of_birth": "The date of birth is no date. Send it as 1990-12-31.",
    "attributes": "The profile has no email address and no phone number. One of them is needed.",
    "email": "The email address is missing or not valid. Show it beside its field.",
    "phone_number": "The phone number is missing or not valid. Show it beside its field.",
    "channels": "No channel is named. Send at least one: EMAIL, SMS or WHATSAPP.",
    "profile": "The profile is missing. Send one with an email address or a phone number.",
    "id": "The variant's composite ID is malformed: integrationType:::catalogId:::externalId.",
    "url": "The address is no link that a message can hold. Send the whole of it: https://…",
    "image_full_url": "The picture's address is no link. Send the whole of it: https://…",
    "image_thumbnail_url": "The picture's address is no link. Send the whole of it: https://…",
    "catalog_type": "Only the catalog $default can be written through the API.",
    "integration_type": "Only the integration $custom can be written through the API.",
    "external_id": "The external ID is missing or empty. Send the shop's own ID.",
    "title": "The title is missing or empty. Send the one that shoppers know.",
}
_BY_PARAMETER = {
    "revision": "The revision header is missing or malformed. Send a date, such as 2026-07-15.",
    "filter": "The filter is malformed, or this operation can't filter so. The error says by what.",
    "page[cursor]": "The cursor is none of Klaviyo's. Follow links.next of the page before.",
    "page[size]": "The page is too large or too small. The error says what it can be.",
}


def refusal(entry: Mapping[str, Any]) -> str:
    """Return the sentence for an entry whose reply is an error."""
    status = entry["status"]
    if status >= 500:
        return "A failure on Klaviyo's side. Keep the call, and send it again later."
    first = _first_error(entry["reply"])
    code, detail = first["code"], first["detail"]
    source = first.get("source") or {}
    pointer = str(source.get("pointer", ""))
    if code == "permission_denied":
        return _lacks_scopes(entry)
    if code == "duplicate":
        return _duplicate(entry)
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status == 404 and (found := _nowhere(detail)):
        return found
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if parameter := source.get("parameter"):
        return _BY_PARAMETER.get(
            parameter,
            "The address holds a parameter, or a value of one, that Klaviyo doesn't have for this "
            "operation.",
        )
    if "company_id" in detail:
        return "The company ID in the address must be the account's public key."
    if "not valid JSON" in detail:
        return "The body is no JSON. The client is at fault; waiting won't help."
    if pointer == "/data/relationships":
        return _unrelated(entry["operation"] or "")
    return _by_pointer(pointer, detail)


def _unrelated(operation: str) -> str:
    """Return the sentence for a body that names nothing that it belongs to."""
    if _CATALOG in operation:
        return _NO_ITEM
    if "back_in_stock" in operation:
        return "The variant is missing. Send its composite ID as the relationship."
    return _BAD_LIST


def _lacks_scopes(entry: Mapping[str, Any]) -> str:
    operation = entry["operation"] or ""
    if "_client_" in operation:
        return (
            "Klaviyo refused the page's origin. Put the shop's domain on the public key's "
            "allow-list."
        )
    *others, last = spec.scopes_of(operation) or ("a scope",)
    scopes = f"{', '.join(others)} and {last}" if others else last
    return (
        f"The private key lacks {scopes}. Make a key that has every scope needed, and set "
        "KLAVIYO_PRIVATE_KEY to it."
    )


def _duplicate(entry: Mapping[str, Any]) -> str:
    if _CATALOG in (entry["operation"] or ""):
        return "It is in the catalog already. Update it (PATCH) instead of creating it."
    return "The profile waits for this variant already. Take it for a success."


def _nowhere(detail: str) -> str | None:
    if detail.startswith("A list "):
        return _NO_LIST
    if detail.startswith("A catalog item "):
        return "The catalog has no such item. Create it first, then its variants."
    if detail.startswith("A catalog variant "):
        return "The catalog has no such variant. Create it first, then change its stock."
    if detail.startswith("A metric "):
        return "The account has no such metric. Take its ID from Get Metrics."
    if detail.startswith("There is no such job"):
        return "The job is not there, or no longer. Take its ID from the reply that made it."
    return None


def _by_pointer(pointer: str, detail: str) -> str:
    last = pointer.rsplit("/", 1)[-1]
    if pointer.endswith("/relationships/list/data/id"):
        return _NO_LIST
    if "/relationships/list" in pointer:
        return _BAD_LIST
    if "/relationships/item" in pointer:
        return _NO_ITEM
    if pointer == "/data/id":
        return "The ID in the body must be the address's own."
    if pointer.endswith("/profiles/data"):
        return "From one to 1,000 profiles can be sent. Split a longer list."
    if pointer.endswith(("/items/data", "/variants/data")):
        return "From one to 100 can be sent in one job. Split a longer list."
    if pointer.startswith("/data/attributes/channels/"):
        return _bad_channel(detail)
    if last == "phone_number" and "SMS is not set up" in detail:
        return "The account can send no SMS at all. Set SMS up in Klaviyo, or don't offer it."
    if last == "phone_number" and "supports no SMS" in detail:
        return "The number is good, but the account sends no SMS to its region. Say so beside it."
    return _BY_POINTER.get(
        last, "The body differs from Klaviyo's schema. The client is at fault; waiting won't help."
    )


def _bad_channel(detail: str) -> str:
    if "revision" in detail:
        return "WHATSAPP came with a later revision. Send a newer revision header."
    if "push" in detail:
        return _BY_POINTER["push"]
    return "A channel is repeated or unknown. Send each of EMAIL, SMS and WHATSAPP once at most."


def _first_error(reply: Any) -> Mapping[str, Any]:
    errors = reply.get("errors") if isinstance(reply, dict) else None
    return errors[0] if errors else {"code": "", "detail": ""}
