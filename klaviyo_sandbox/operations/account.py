"""Get Accounts, Get Lists and Get List, which callers use to check their settings.

https://developers.klaviyo.com/en/reference/get_accounts
https://developers.klaviyo.com/en/reference/get_lists
"""

from functools import partial
from typing import Any

from ..protocol.errors import Refusal, Reply, error
from ..protocol.filters import Allowed
from ..protocol.limits import Limit
from ..state.account import MailingList
from .operation import Call, Operation, check_query
from .replies import format_time, listing, resource, single

_LIST_LIMIT = Limit(burst=75, steady=750)
_LIST_FILTERS: Allowed = {
    "name": ("any", "equals"),
    "id": ("any", "equals"),
    "created": ("greater-than",),
    "updated": ("greater-than",),
}


def _get_accounts(call: Call) -> Reply:
    account = call.sandbox.account
    attributes = {
        "test_account": True,
        "contact_information": {
            "default_sender_name": account.sender,
            "default_sender_email": "shop@example.org",
            "website_url": None,
            "organization_name": account.name,
            "street_address": dict.fromkeys(
                ("address1", "address2", "city", "region", "country", "zip")
            ),
        },
        "industry": None,
        "timezone": "UTC",
        "preferred_currency": "USD",
        "public_api_key": account.public_key,
        "locale": "en-US",
    }
    data = resource(call, "account", account.public_key, attributes)
    return listing(call, [data], lambda data: data)


def _get_lists(call: Call) -> Reply:
    with call.sandbox.lock:
        return listing(
            call,
            [call.sandbox.mailing_list],
            partial(_show_list, call),
            allowed=_LIST_FILTERS,
            fields=vars,
            included=lambda _: [],
        )


def _check_list(call: Call) -> None:
    check_query(call)
    list_id = call.path_arguments["id"]
    if list_id != call.sandbox.account.list_id:
        raise Refusal(error(404, f"A list with id {list_id[:60]} does not exist."))


def _get_list(call: Call) -> Reply:
    with call.sandbox.lock:
        data = _show_list(call, call.sandbox.mailing_list)
    # The list has no tags and triggers no flow.
    return single(data, [] if call.request.args.get("include") else None)


def _show_list(call: Call, mailing_list: MailingList) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "name": mailing_list.name,
        "created": format_time(mailing_list.created),
        "updated": format_time(mailing_list.updated),
        "opt_in_process": str(mailing_list.opt_in_process),
    }
    if call.request.args.get("additional-fields[list]"):
        subscriptions = call.sandbox.subscriptions
        attributes["profile_count"] = subscriptions.subscriber_count(mailing_list.id)
    relationships = dict.fromkeys(("profiles", "tags", "flow-triggers"))
    return resource(call, "list", mailing_list.id, attributes, relationships)


OPERATIONS = (
    Operation("GET", "/api/accounts", Limit(burst=1, steady=15), _get_accounts),
    Operation("GET", "/api/lists", _LIST_LIMIT, _get_lists),
    Operation("GET", "/api/lists/{id}", _LIST_LIMIT, _get_list, _check_list),
)
