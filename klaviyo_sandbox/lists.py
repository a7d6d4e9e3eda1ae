"""The account's list: whether it asks for a confirmation, and Klaviyo's Get List."""

from datetime import datetime
from typing import Any

from . import spec
from .errors import MEDIA_TYPE, Refusal, Reply, not_found
from .limits import Limit
from .mailing_list import MailingList
from .operations import Call, Operation, Side

PATH = "/api/lists/{id}"
_FIELDS = "fields[list]"
_MORE_FIELDS = "additional-fields[list]"
_RELATED = ("profiles", "tags", "flow-triggers")


def check(call: Call) -> None:
    """Refuse a parameter that Get List doesn't have, and a list that the account doesn't have.

    Raises `Refusal`: 400 that names the parameter, or 404.
    """
    if faults := spec.query_faults(PATH, "GET", call.request.args):
        raise Refusal(*faults)
    list_id = call.path_arguments["id"]
    if list_id != call.sandbox.account.list_id:
        raise Refusal(not_found(f"A list with id {list_id[:60]} does not exist."))


def act(call: Call) -> Reply:
    """Return the list, with the fields that were asked for."""
    sandbox, query = call.sandbox, call.request.args
    with sandbox.lock:
        attributes = _attributes(sandbox.mailing_list)
        if query.get(_MORE_FIELDS):
            attributes["profile_count"] = sandbox.subscriptions.size_of(sandbox.mailing_list.id)
    if wanted := query.get(_FIELDS):
        attributes = {name: attributes[name] for name in wanted.split(",") if name in attributes}
    here = f"{call.request.host_url}api/lists/{sandbox.mailing_list.id}/"
    body: dict[str, Any] = {
        "data": {
            "type": "list",
            "id": sandbox.mailing_list.id,
            "attributes": attributes,
            "relationships": {
                name: {
                    "links": {"self": f"{here}relationships/{name}/", "related": f"{here}{name}/"}
                }
                for name in _RELATED
            },
            "links": {"self": here},
        },
        "links": {"self": here},
    }
    if query.get("include"):
        # the list has no tag and starts no flow
        body["included"] = []
    return Reply(200, body, media_type=MEDIA_TYPE)


def _attributes(mailing_list: MailingList) -> dict[str, Any]:
    return {
        "name": mailing_list.name,
        "created": _moment(mailing_list.created),
        "updated": _moment(mailing_list.updated),
        "opt_in_process": str(mailing_list.opt_in_process),
    }


def _moment(at: datetime) -> str:
    return at.isoformat(timespec="seconds")


OPERATIONS = (
    Operation(
        side=Side.SERVER,
        method="GET",
        path=PATH,
        title="Get List",
        limit=Limit(burst=75, steady=750),
        check=check,
        act=act,
    ),
)
