"""Bulk jobs that create or update up to 100 items or variants.

A job finishes immediately, whereas Klaviyo takes a while. As in Klaviyo, the reply to the call that
creates the job says `queued`, and later replies say `complete`.

https://developers.klaviyo.com/en/reference/catalogs_api_overview
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ..protocol.errors import ApiError, Refusal, Reply, error, invalid
from ..state.catalog import ITEM, VARIANT, BulkJob, composite_id
from . import catalog
from .operation import Call, Operation, check_query
from .replies import format_time, resource, single

_MAX_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class _JobType:
    """A type of job: `action` is create or update, and `kind` is the type of the entries."""

    action: str
    kind: str

    @property
    def name(self) -> str:
        """Return the JSON:API type of the job."""
        return f"{self.kind}-bulk-{self.action}-job"

    @property
    def plural(self) -> str:
        """Return the name of the list of entries in the body."""
        return f"{catalog.NOUNS[self.kind]}s"

    @property
    def pointer(self) -> str:
        """Return the pointer to the list of entries in the body."""
        return f"/data/attributes/{self.plural}/data"

    def operations(self) -> tuple[Operation, Operation]:
        """Return the operations that start and read a job."""
        path = f"/api/{self.name}s"
        return (
            Operation("POST", path, catalog.WRITE_LIMIT, self._start, self._check_start),
            Operation(
                "GET", f"{path}/{{job_id}}", catalog.READ_LIMIT, self._read, self._check_read
            ),
        )

    def _check_start(self, call: Call) -> None:
        check_query(call)
        count = len(self._entries(call))
        if not 1 <= count <= _MAX_ENTRIES:
            detail = f"A job accepts 1 to {_MAX_ENTRIES} {self.plural}, not {count}."
            raise Refusal(invalid(detail, self.pointer))

    def _start(self, call: Call) -> Reply:
        errors: list[ApiError] = []
        written: list[str] = []
        entries = self._entries(call)
        with call.sandbox.lock:
            for index, data in enumerate(entries):
                entry_errors = self._write(call, data, f"{self.pointer}/{index}")
                errors += entry_errors
                if not entry_errors:
                    written.append(data.get("id") or composite_id(data["attributes"]))
            shown = [
                {key: error.as_json()[key] for key in ("id", "code", "title", "detail", "source")}
                for error in errors
            ]
            now = call.sandbox.now()
            job = BulkJob(uuid4().hex, self.name, now, len(entries), written, shown)
            call.sandbox.bulk_jobs.put(job.id, job)
        call.notes += [f"not written: {error}" for error in errors]
        return single(self._show(call, job, complete=False), status=202)

    def _write(self, call: Call, data: Mapping[str, Any], pointer: str) -> list[ApiError]:
        """Create or update one entry, or return the errors that prevent it."""
        if self.action == "create":
            errors = catalog.creation_errors(call.sandbox.catalog, data, pointer)
            if not errors:
                catalog.create(call, data)
            return errors
        entry = call.sandbox.catalog.rows(self.kind).get(data["id"])
        if entry is None:
            return [catalog.missing_error(self.kind, data["id"], f"{pointer}/id")]
        errors = [*catalog.attribute_errors(data["attributes"], f"{pointer}/attributes")]
        if not errors:
            catalog.update(call, entry, data["attributes"])
        return errors

    def _check_read(self, call: Call) -> None:
        check_query(call)
        self._job(call)

    def _read(self, call: Call) -> Reply:
        job, included = self._job(call), None
        with call.sandbox.lock:
            if call.request.args.get("include"):
                entries = map(call.sandbox.catalog.rows(self.kind).get, job.written)
                included = [catalog.show(call, entry) for entry in entries if entry]
            return single(self._show(call, job, complete=True), included)

    def _entries(self, call: Call) -> list[Mapping[str, Any]]:
        entries: list[Mapping[str, Any]] = call.body["data"]["attributes"][self.plural]["data"]
        return entries

    def _job(self, call: Call) -> BulkJob:
        with call.sandbox.lock:
            job = call.sandbox.bulk_jobs.get(call.path_arguments["job_id"])
        if job is None or job.kind != self.name or call.sandbox.now() >= job.expires:
            raise Refusal(error(404, "There is no such job, or it has expired."))
        return job

    def _show(self, call: Call, job: BulkJob, *, complete: bool) -> dict[str, Any]:
        attributes = {
            "status": "complete" if complete else "queued",
            "created_at": format_time(job.created),
            "total_count": job.total,
            "completed_count": len(job.written) if complete else 0,
            "failed_count": job.total - len(job.written) if complete else 0,
            "completed_at": format_time(job.created) if complete else None,
            "errors": job.errors if complete else [],
            "expires_at": format_time(job.expires),
        }
        written = [{"type": self.kind, "id": entry_id} for entry_id in job.written]
        relationships = {self.plural: written if complete else []}
        return resource(call, self.name, job.id, attributes, relationships)


OPERATIONS = tuple(
    operation
    for kind in (ITEM, VARIANT)
    for action in ("create", "update")
    for operation in _JobType(action, kind).operations()
)
