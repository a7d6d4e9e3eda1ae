"""Bulk jobs of the catalog: what each was asked for, and what became of it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from ..protocol.errors import Fault
from .rows import Rows

_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class BulkJob:
    """A job, which is done as soon as it is made: `written` are the IDs of what it wrote."""

    id: str
    kind: str
    created: datetime
    total: int
    written: list[str] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def expires(self) -> datetime:
        """Return the time after which Klaviyo no longer shows the job."""
        return self.created + _KEPT


class BulkJobs:
    """Every job. The caller holds the sandbox's lock."""

    def __init__(self) -> None:
        self.rows: Rows[str, BulkJob] = Rows(BulkJob)

    def add(
        self, kind: str, created: datetime, total: int, written: list[str], faults: list[Fault]
    ) -> BulkJob:
        """Keep a job that has been done."""
        errors = [_shown(fault) for fault in faults]
        job = BulkJob(uuid4().hex, kind, created, total, written, errors)
        self.rows.put(job.id, job)
        return job

    def find(self, job_id: str, kind: str, now: datetime) -> BulkJob | None:
        """Return a job of the kind, or None when there is none or it has expired."""
        job = self.rows.get(job_id)
        return job if job and job.kind == kind and now < job.expires else None


def _shown(fault: Fault) -> dict[str, Any]:
    shown = fault.as_json()
    return {name: shown[name] for name in ("id", "code", "title", "detail", "source")}
