"""Bulk create and update jobs for items and variants, up to a hundred at a time.

A job is done at once, where Klaviyo takes a while: its first reply says `queued` all the same,
and every later one `complete`.

https://developers.klaviyo.com/en/reference/catalogs_api_overview
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..protocol.errors import Fault, Refusal, Reply, invalid, not_found
from ..protocol.limits import READS, WRITES
from ..state.bulk_jobs import BulkJob
from ..state.catalog import composite_id
from . import restock
from .catalog_checks import attribute_faults, creation_faults, item_faults, missing, variant_faults
from .catalog_replies import ITEM, VARIANT, shown_item, shown_variant
from .documents import check_query, moment, one, resource
from .operation import Call, Operation, Side

LARGEST = 100
"""The most items or variants that one job takes."""

Write = Callable[[Call, Mapping[str, Any], str], Iterator[Fault]]
"""Writes one thing of a job, or yields why it can't be written."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of job: `things` is where its body holds what it writes."""

    name: str
    things: str
    noun: str
    write: Write

    @property
    def job(self) -> str:
        """Return the job's type."""
        return f"{self.noun}-bulk-{self.name}-job"

    @property
    def pointer(self) -> str:
        """Return the place of the list in the body."""
        return f"/data/attributes/{self.things}/data"


def _create_item(call: Call, body: Mapping[str, Any], pointer: str) -> Iterator[Fault]:
    faults = [*creation_faults(body["attributes"], f"{pointer}/attributes")]
    faults += [] if faults else item_faults(call.sandbox.catalog, body)
    if not faults:
        call.sandbox.catalog.add_item(body["attributes"])
    yield from faults


def _update_item(call: Call, body: Mapping[str, Any], pointer: str) -> Iterator[Fault]:
    item = call.sandbox.catalog.items.get(body["id"])
    if item is None:
        yield missing("item", body["id"], f"{pointer}/id")
        return
    faults = [*attribute_faults(body["attributes"], f"{pointer}/attributes")]
    if not faults:
        call.sandbox.catalog.change_item(item, body["attributes"])
    yield from faults


def _create_variant(call: Call, body: Mapping[str, Any], pointer: str) -> Iterator[Fault]:
    faults = [*creation_faults(body["attributes"], f"{pointer}/attributes")]
    faults += [] if faults else variant_faults(call.sandbox.catalog, body, pointer)
    if not faults:
        item = body["relationships"]["item"]["data"]["id"]
        variant = call.sandbox.catalog.add_variant(body["attributes"], item)
        call.notes += restock.stock_changed(call.sandbox, variant)
    yield from faults


def _update_variant(call: Call, body: Mapping[str, Any], pointer: str) -> Iterator[Fault]:
    before = call.sandbox.catalog.variants.get(body["id"])
    if before is None:
        yield missing("variant", body["id"], f"{pointer}/id")
        return
    faults = [*attribute_faults(body["attributes"], f"{pointer}/attributes")]
    if not faults:
        after = call.sandbox.catalog.change_variant(before, body["attributes"])
        if after.quantity != before.quantity:
            call.notes += restock.stock_changed(call.sandbox, after)
    yield from faults


def _operations(kind: _Kind) -> tuple[Operation, Operation]:
    path = f"/api/{kind.job}s"

    def check(call: Call) -> None:
        check_query(call)
        number = len(_things(call, kind))
        if not 1 <= number <= LARGEST:
            detail = f"A job takes from 1 to {LARGEST} {kind.things}, not {number}."
            raise Refusal(invalid(detail, kind.pointer))

    def act(call: Call) -> Reply:
        faults: list[Fault] = []
        written: list[str] = []
        with call.sandbox.lock:
            for index, body in enumerate(_things(call, kind)):
                found = [*kind.write(call, body, f"{kind.pointer}/{index}")]
                faults += found
                if not found:
                    written.append(body.get("id") or composite_id(body["attributes"]))
            now, total = call.sandbox.now(), len(_things(call, kind))
            job = call.sandbox.bulk_jobs.add(kind.job, now, total, written, faults)
            call.notes += [f"not written: {fault}" for fault in faults]
            return one(_shown(call, kind, job, done=False), status=202)

    def check_one(call: Call) -> None:
        check_query(call)
        with call.sandbox.lock:
            if _find(call, kind) is None:
                raise Refusal(not_found("There is no such job, or no longer."))

    def act_one(call: Call) -> Reply:
        with call.sandbox.lock:
            job = _find(call, kind)
            if job is None:
                raise Refusal(not_found("There is no such job, or no longer."))
            wanted = call.request.args.get("include")
            included = _included(call, kind, job) if wanted else None
            return one(_shown(call, kind, job, done=True), included)

    title = f"{kind.name.title()} Catalog {kind.things.title()}"
    return (
        Operation(Side.SERVER, "POST", path, f"Bulk {title}", WRITES, check, act),
        Operation(
            Side.SERVER,
            "GET",
            f"{path}/{{job_id}}",
            f"Get Bulk {title} Job",
            READS,
            check_one,
            act_one,
        ),
    )


def _things(call: Call, kind: _Kind) -> list[Mapping[str, Any]]:
    things: list[Mapping[str, Any]] = call.body["data"]["attributes"][kind.things]["data"]
    return things


def _find(call: Call, kind: _Kind) -> BulkJob | None:
    job_id = call.path_arguments["job_id"]
    return call.sandbox.bulk_jobs.find(job_id, kind.job, call.sandbox.now())


def _shown(call: Call, kind: _Kind, job: BulkJob, *, done: bool) -> dict[str, Any]:
    attributes = {
        "status": "complete" if done else "queued",
        "created_at": moment(job.created),
        "total_count": job.total,
        "completed_count": len(job.written) if done else 0,
        "failed_count": job.total - len(job.written) if done else 0,
        "completed_at": moment(job.created) if done else None,
        "errors": job.errors if done else [],
        "expires_at": moment(job.expires),
    }
    linked = [{"type": kind.noun, "id": written} for written in job.written] if done else []
    return resource(call, kind.job, f"{kind.job}s", job.id, attributes, {kind.things: linked})


def _included(call: Call, kind: _Kind, job: BulkJob) -> list[dict[str, Any]]:
    catalog = call.sandbox.catalog
    if kind.noun == VARIANT:
        variants = map(catalog.variants.get, job.written)
        return [shown_variant(call, variant) for variant in variants if variant]
    return [shown_item(call, item) for item in map(catalog.items.get, job.written) if item]


OPERATIONS = tuple(
    operation
    for kind in (
        _Kind("create", "items", ITEM, _create_item),
        _Kind("update", "items", ITEM, _update_item),
        _Kind("create", "variants", VARIANT, _create_variant),
        _Kind("update", "variants", VARIANT, _update_variant),
    )
    for operation in _operations(kind)
)
