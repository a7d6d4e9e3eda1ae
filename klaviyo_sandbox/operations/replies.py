"""JSON:API replies: resources with the requested fields, filtered, sorted and paginated."""

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


def resource(
    call: Call,
    kind: str,
    resource_id: str,
    attributes: Mapping[str, Any],
    relationships: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return one resource with the attributes that the call selects with `fields[kind]`.

    `relationships` maps each relationship to its data, or to None to show only its links.
    """
    url = f"{_base_url(call)}/api/{kind}s/{quote(resource_id, safe='')}/"
    fields = call.request.args.get(f"fields[{kind}]")
    shown = dict(attributes) if fields is None else _pick(attributes, fields.split(","))
    document: dict[str, Any] = {"type": kind, "id": resource_id, "attributes": shown}
    if relationships:
        document["relationships"] = {
            name: ({} if data is None else {"data": data})
            | {"links": {"self": f"{url}relationships/{name}/", "related": f"{url}{name}/"}}
            for name, data in relationships.items()
        }
    return document | {"links": {"self": url}}


def single(
    data: Mapping[str, Any], included: list[dict[str, Any]] | None = None, *, status: int = 200
) -> Reply:
    """Return a reply with one resource and, unless `included` is None, its related resources."""
    body = {"data": data} if included is None else {"data": data, "included": included}
    return Reply(status, body | {"links": data["links"]}, media_type=MEDIA_TYPE)


def listing(
    call: Call,
    entries: Iterable[T],
    show: Callable[[T], Mapping[str, Any]],
    *,
    allowed: filters.Allowed | None = None,
    fields: Callable[[T], Mapping[str, Any]] | None = None,
    included: Callable[[Sequence[T]], list[dict[str, Any]]] | None = None,
) -> Reply:
    """Return a page of the entries that match the call's filter, in the requested order.

    allowed: the filters that the operation supports.
    fields: returns an entry's values, for filtering and sorting.
    included: returns the related resources of a page, for calls with `include`.
    """
    query = call.request.args
    matches = list(entries)
    if fields:
        conditions = filters.parse(query.get(filters.PARAMETER, ""), allowed or {})
        matches = [
            entry
            for entry in matches
            if all(condition.matches(fields(entry)[condition.field]) for condition in conditions)
        ]
        sort = query.get("sort", "")
        if name := sort.removeprefix("-"):
            keys = [(fields(entry).get(name), entry) for entry in matches]
            keys.sort(key=lambda pair: (pair[0] is not None, pair[0]), reverse=sort[0] == "-")
            matches = [entry for _, entry in keys]
    # An operation without `page[size]` returns everything on one page.
    operation = call.checked_operation
    default_size = spec.default_of(operation.path, operation.method, _SIZE)
    size = int(query.get(_SIZE, default_size or len(matches) or 1))
    start = _offset(query.get(_CURSOR))
    page = matches[start : start + size]
    body: dict[str, Any] = {
        "data": [show(entry) for entry in page],
        "links": {
            "self": _page_url(call, query.get(_CURSOR)),
            "next": _page_url(call, _cursor(start + size)) if start + size < len(matches) else None,
            "prev": _page_url(call, _cursor(max(0, start - size))) if start else None,
        },
    }
    if included and query.get("include"):
        body["included"] = included(page)
    return Reply(200, body, media_type=MEDIA_TYPE)


def format_time(time: datetime) -> str:
    """Return a time in Klaviyo's format."""
    return time.isoformat(timespec="seconds")


def _pick(attributes: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    """Return the attributes with these names; `a.b` is the `b` attribute inside `a`."""
    picked: dict[str, Any] = {}
    for name, value in attributes.items():
        inner = [path.removeprefix(f"{name}.") for path in names if path.startswith(f"{name}.")]
        if name in names:
            picked[name] = value
        elif inner and isinstance(value, Mapping):
            picked[name] = _pick(value, inner)
    return picked


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"offset:{offset}".encode()).decode().rstrip("=")


def _offset(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        plain = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        name, _, offset = plain.partition(":")
        if name != "offset" or not offset.isdigit():
            raise ValueError
        return int(offset)
    except ValueError:
        raise Refusal(invalid("The page cursor is not valid.", parameter=_CURSOR)) from None


def _page_url(call: Call, cursor: str | None) -> str:
    query = {name: value for name, value in call.request.args.items() if name != _CURSOR}
    if cursor:
        query[_CURSOR] = cursor
    path = quote(call.request.path, safe="/")
    return f"{_base_url(call)}{path}" + (f"?{urlencode(query)}" if query else "")


def _base_url(call: Call) -> str:
    return call.request.host_url.rstrip("/")
