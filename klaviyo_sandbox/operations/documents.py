"""JSON:API replies: resources with the fields that were asked for, and pages of them."""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from ..protocol import filters, spec
from ..protocol.errors import MEDIA_TYPE, Refusal, Reply, invalid
from .operation import Call

_CURSOR = "page[cursor]"
_SIZE = "page[size]"

T = TypeVar("T")


def check_query(call: Call) -> None:
    """Refuse a parameter that the operation doesn't have, or a value that it can't have.

    Raises `Refusal`: 400 that names the parameter.
    """
    called = call.called
    if faults := spec.query_faults(called.path, called.method, call.request.args):
        raise Refusal(*faults)


def resource(
    call: Call,
    kind: str,
    place: str,
    found_id: str,
    attributes: Mapping[str, Any],
    related: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return one resource, with the fields that the call asked for.

    `place` is its collection's path; `related` gives the data of each relationship, or None where
    only the links are shown.
    """
    here = f"{base(call)}/api/{place}/{quote(found_id, safe='')}/"
    wanted = call.request.args.get(f"fields[{kind}]")
    shown = dict(attributes) if wanted is None else _picked(attributes, wanted.split(","))
    relationships = {
        name: ({} if data is None else {"data": data})
        | {"links": {"self": f"{here}relationships/{name}/", "related": f"{here}{name}/"}}
        for name, data in (related or {}).items()
    }
    made = {"type": kind, "id": found_id, "attributes": shown}
    if relationships:
        made["relationships"] = relationships
    return made | {"links": {"self": here}}


def one(data: Mapping[str, Any], included: Any = None, *, status: int = 200) -> Reply:
    """Return the reply with one resource, and what goes with it unless that is None."""
    body = {"data": data} if included is None else {"data": data, "included": included}
    return Reply(status, body | {"links": data["links"]}, media_type=MEDIA_TYPE)


def many(
    call: Call,
    entries: Sequence[T],
    number: Callable[[T], int],
    shown: Callable[[T], Mapping[str, Any]],
    included: Callable[[Sequence[T]], list[dict[str, Any]]] | None = None,
) -> Reply:
    """Return one page of the entries, which are in their order, with links to the pages beside it.

    `number` gives what a cursor remembers of an entry; `included` what goes with a page.
    """
    page, cursors = _page(call, entries, number)
    links: dict[str, str | None] = {"self": _address(call, call.request.args.get(_CURSOR))}
    links |= {name: cursor and _address(call, cursor) for name, cursor in cursors.items()}
    body: dict[str, Any] = {"data": [shown(entry) for entry in page], "links": links}
    if included and call.request.args.get("include"):
        body["included"] = included(page)
    return Reply(200, body, media_type=MEDIA_TYPE)


def selected(
    call: Call,
    entries: Iterable[T],
    allowed: filters.Allowed,
    fields: Callable[[T], Mapping[str, Any]],
) -> list[T]:
    """Return the entries that the call's filter lets through, in the order that it asks for."""
    conditions = filters.parse(call.request.args.get(filters.PARAMETER, ""), allowed)
    found = [entry for entry in entries if filters.holds(conditions, fields(entry))]
    sort = call.request.args.get("sort", "")
    if name := sort.removeprefix("-"):
        with_field = [(fields(entry).get(name), entry) for entry in found]
        with_field.sort(key=lambda pair: (pair[0] is not None, pair[0]), reverse=sort[0] == "-")
        return [entry for _, entry in with_field]
    return found


def base(call: Call) -> str:
    """Return the sandbox's own address, as the caller wrote it."""
    return call.request.host_url.rstrip("/")


def moment(at: datetime) -> str:
    """Return a time as Klaviyo writes it."""
    return at.isoformat(timespec="seconds")


def _picked(attributes: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Return the fields of these names; `a.b` is the field `b` of the field `a`."""
    picked: dict[str, Any] = {}
    for name, value in attributes.items():
        inner = [each.removeprefix(f"{name}.") for each in names if each.startswith(f"{name}.")]
        if name in names:
            picked[name] = value
        elif inner and isinstance(value, Mapping):
            picked[name] = _picked(value, inner)
    return picked


def _page(
    call: Call, entries: Sequence[T], number: Callable[[T], int]
) -> tuple[Sequence[T], dict[str, str | None]]:
    query = call.request.args
    usual = spec.default_of(call.called.path, call.called.method, _SIZE)
    # without the parameter there is one page
    size = int(query.get(_SIZE, usual or len(entries) or 1))
    numbers = [number(entry) for entry in entries]
    start = 0
    if cursor := query.get(_CURSOR):
        way, near = _read_cursor(cursor)
        # what the cursor stands at may be gone meanwhile; then the listing begins again
        at = numbers.index(near) if near in numbers else -1
        start = at + 1 if way == "next" else max(0, at - size)
    end = start + size
    more = end < len(entries)
    return entries[start:end], {
        "next": _cursor("next", numbers[end - 1]) if more else None,
        "prev": _cursor("prev", numbers[start]) if 0 < start < len(entries) else None,
    }


def _cursor(way: str, number: int) -> str:
    return base64.urlsafe_b64encode(f"{way}::{number}".encode()).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[str, int]:
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        way, _, number = plain.partition("::")
        if way not in ("next", "prev"):
            raise ValueError
        return way, int(number)
    except ValueError:
        raise Refusal(invalid("The page cursor is not valid.", parameter=_CURSOR)) from None


def _address(call: Call, cursor: str | None) -> str:
    query = {name: text for name, text in call.request.args.items() if name != _CURSOR}
    if cursor:
        query[_CURSOR] = cursor
    path = quote(call.request.path, safe="/")
    return f"{base(call)}{path}" + (f"?{urlencode(query)}" if query else "")
