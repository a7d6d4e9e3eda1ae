"""The account's list: Klaviyo's Get Lists and Get List.

https://developers.klaviyo.com/en/reference/get_lists
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from ..protocol.errors import Refusal, Reply, not_found
from ..protocol.filters import Allowed
from ..protocol.limits import Limit
from ..state.mailing_list import MailingList
from .documents import check_query, many, moment, one, resource, selected
from .operation import Call, Operation, Side

_LIMIT = Limit(burst=75, steady=750)
_ALL, _ONE = "/api/lists", "/api/lists/{id}"
_FILTERS: Allowed = {
    "name": ("any", "equals"),
    "id": ("any", "equals"),
    "created": ("greater-than",),
    "updated": ("greater-than",),
}
_RELATED = ("profiles", "tags", "flow-triggers")


def check(call: Call) -> None:
    """Refuse a parameter that Get List doesn't have, and a list that the account doesn't have.

    Raises `Refusal`: 400 that names the parameter, or 404.
    """
    check_query(call)
    list_id = call.path_arguments["id"]
    if list_id != call.sandbox.account.list_id:
        raise Refusal(not_found(f"A list with id {list_id[:60]} does not exist."))


def act(call: Call) -> Reply:
    """Return the list, with the fields that were asked for."""
    with call.sandbox.lock:
        shown = _shown(call, call.sandbox.mailing_list)
    # the list has no tag and starts no flow
    included: Any = [] if call.request.args.get("include") else None
    return one(shown, included)


def act_all(call: Call) -> Reply:
    """Return the account's lists, of which there is one."""
    with call.sandbox.lock:
        entries = selected(call, [call.sandbox.mailing_list], _FILTERS, _fields)
        return many(call, entries, lambda _: 1, partial(_shown, call), lambda _: [])


def _fields(mailing_list: MailingList) -> Mapping[str, Any]:
    return {
        "id": mailing_list.id,
        "name": mailing_list.name,
        "created": mailing_list.created,
        "updated": mailing_list.updated,
    }


def _shown(call: Call, mailing_list: MailingList) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "name": mailing_list.name,
        "created": moment(mailing_list.created),
        "updated": moment(mailing_list.updated),
        "opt_in_process": str(mailing_list.opt_in_process),
    }
    if call.request.args.get("additional-fields[list]"):
        attributes["profile_count"] = call.sandbox.subscriptions.size_of(mailing_list.id)
    related = dict.fromkeys(_RELATED)
    return resource(call, "list", "lists", mailing_list.id, attributes, related)


OPERATIONS = (
    Operation(Side.SERVER, "GET", _ALL, "Get Lists", _LIMIT, check_query, act_all),
    Operation(Side.SERVER, "GET", _ONE, "Get List", _LIMIT, check, act),
)
