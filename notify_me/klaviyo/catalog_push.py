"""Fills Klaviyo's custom catalog with the shop's products and variants, writing only what differs.

It uses the bulk jobs of the Catalogs API, with at most a hundred resources each. It first reads
what Klaviyo's catalog contains, so that an interrupted push resumes where it stopped.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from ..variants import CUSTOM_CATALOG, Variant, writable
from .calls import Operation
from .catalog_payloads import catalog_attributes, new_resource, resource_id
from .client import CatalogKind, Deadline, Klaviyo, batches_by_id, send_with_retries
from .outcomes import (
    PLACEHOLDER_REMEDY,
    KlaviyoResponse,
    attribute,
    mapping,
    objects,
    outcome_of,
)

Action = Literal["create", "update"]
Resources = dict[str, Mapping[str, Any]]
"""JSON:API resource objects by composite ID."""

MAX_PENDING_JOBS = 5
CALL_TIMEOUT = 20.0
"""Seconds for one call."""
CALL_ATTEMPTS = 6
MAX_RETRY_AFTER = 120.0
"""The longest Retry-After to wait for, in seconds. Klaviyo's limits are per minute."""
JOB_TIMEOUT = 600.0
"""Seconds to wait for one job to finish."""
MAX_LISTED_FAILURES = 50


class PushError(Exception):
    """The push can't continue. The message says why, and what to do."""


@dataclass(slots=True)
class PushResult:
    """What a push did or, with `dry_run`, would do."""

    dry_run: bool = False
    created: dict[CatalogKind, int] = field(default_factory=lambda: {"item": 0, "variant": 0})
    updated: dict[CatalogKind, int] = field(default_factory=lambda: {"item": 0, "variant": 0})
    unchanged: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    """The first failures, each with a composite ID and Klaviyo's reason."""
    reads: int = 0
    """The number of calls that read from Klaviyo."""
    writes: int = 0
    """The number of calls that write to Klaviyo."""

    @property
    def summary(self) -> str:
        """The result as one line for a terminal."""
        created, updated = "Created", "updated"
        if self.dry_run:
            created, updated = "Would create", "would update"
        is_or_are = "is" if self.unchanged == 1 else "are"
        return (
            f"{created} {_by_kind(self.created)}, {updated} {_by_kind(self.updated)}; "
            f"{self.unchanged:,} {is_or_are} up to date. "
            f"{_amount(self.reads, 'read')}, {_amount(self.writes, 'write')}."
        )


@dataclass(frozen=True, slots=True)
class _Job:
    kind: CatalogKind
    action: Action
    id: str
    ids: Sequence[str]
    """The composite IDs of its resources, in the order sent."""


class CatalogPush:
    """One push of the shop's products to Klaviyo.

    `products` returns the variants of each product. It is called twice, since items must exist
    before their variants. `base_url` is the shop's base URL. `progress` is called after each batch
    with the number of resources in it.
    """

    def __init__(
        self,
        klaviyo: Klaviyo,
        products: Callable[[], Iterable[Sequence[Variant]]],
        base_url: str,
        *,
        dry_run: bool = False,
        progress: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._klaviyo = klaviyo
        self._products = products
        self._base_url = base_url
        self._dry_run = dry_run
        self._progress = progress
        self._pending: deque[_Job] = deque()
        self._result = PushResult(dry_run)

    def run(self) -> PushResult:
        """Push everything. Raises `PushError` if a product can't be pushed, or Klaviyo refuses a
        call, doesn't respond or doesn't finish a job.
        """
        self._push("item")
        self._push("variant")
        return self._result

    def _push(self, kind: CatalogKind) -> None:
        for batch in batches_by_id(self._variants(kind), partial(resource_id, kind)):
            variants = {resource_id(kind, variant): variant for variant in batch}
            wanted = {
                composite_id: catalog_attributes(kind, variant, self._base_url)
                for composite_id, variant in variants.items()
            }
            existing = self._read(kind, wanted)
            missing: Resources = {}
            changed: Resources = {}
            for composite_id, attributes in wanted.items():
                if composite_id not in existing:
                    variant = variants[composite_id]
                    missing[composite_id] = new_resource(kind, variant, self._base_url)
                elif changes := _changes(attributes, existing[composite_id]):
                    changed[composite_id] = {
                        "type": f"catalog-{kind}",
                        "id": composite_id,
                        "attributes": changes,
                    }
                else:
                    self._result.unchanged += 1
            self._write(kind, "create", missing)
            self._write(kind, "update", changed)
            self._progress(len(batch))
        while self._pending:
            self._finish(self._pending.popleft())

    def _variants(self, kind: CatalogKind) -> Iterator[Variant]:
        """Yield every variant or, for items, the first variant of each product."""
        for variants in self._products():
            for composite_id in (variant.composite_id for variant in variants):
                if not writable(composite_id):
                    raise PushError(
                        f"{composite_id} is in a catalog that another system syncs to Klaviyo; "
                        f"only {':::'.join(CUSTOM_CATALOG)} can be pushed"
                    )
                if not self._klaviyo.may_send(composite_id):
                    raise PushError(f"{composite_id}: {PLACEHOLDER_REMEDY}")
            yield from variants[:1] if kind == "item" else variants

    def _read(
        self, kind: CatalogKind, wanted: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Mapping[str, Any]]:
        """Return the attributes that Klaviyo has, by composite ID."""
        # all fields that any of the resources needs, since only some have an image
        fields = tuple(dict.fromkeys(name for attributes in wanted.values() for name in attributes))
        response = self._call(
            f"reading the catalog's {kind}s",
            lambda deadline: self._klaviyo.get_catalog(
                kind, list(wanted), fields, deadline=deadline
            ),
        )
        self._result.reads += 1
        return {
            str(resource.get("id")): mapping(resource.get("attributes"))
            for resource in response.resources
        }

    def _write(self, kind: CatalogKind, action: Action, resources: Resources) -> None:
        """Start a job for these resources, if there are any."""
        self._counts(action)[kind] += len(resources)
        if self._dry_run or not resources:
            return
        response = self._call(
            f"writing {len(resources)} {kind}s",
            lambda deadline: self._klaviyo.spawn_catalog_job(
                _job_type(kind, action), list(resources.values()), deadline=deadline
            ),
        )
        self._result.writes += 1
        job_id = next((str(resource.get("id") or "") for resource in response.resources), "")
        if not job_id:
            raise PushError("Klaviyo returned no ID for a new job: push again in a minute")
        self._pending.append(_Job(kind, action, job_id, list(resources)))
        if len(self._pending) >= MAX_PENDING_JOBS:
            self._finish(self._pending.popleft())

    def _finish(self, job: _Job) -> None:
        """Wait until a job has finished, and record what it didn't write."""
        attributes = self._wait_for(job)
        errors = objects(attributes, "errors")
        ids = {str(position): composite_id for position, composite_id in enumerate(job.ids)}
        for error in errors:
            # such as /data/attributes/variants/data/3/attributes/title
            pointer = str(mapping(error.get("source")).get("pointer"))
            composite_id = next((ids[part] for part in pointer.split("/") if part in ids), "")
            reason = str(error.get("detail") or error.get("code"))
            self._record_failure(job, 1, reason, composite_id)
        not_written = _count(attributes, "failed_count")
        if attributes["status"] == "cancelled":
            not_written = len(job.ids) - _count(attributes, "completed_count")
        unexplained = not_written - len(errors)
        if unexplained > 0:
            reason = f"not written by job {job.id} (status: {attributes['status']})"
            self._record_failure(job, unexplained, reason)

    def _wait_for(self, job: _Job) -> Mapping[str, Any]:
        pause = 0.05
        give_up_at = time.monotonic() + JOB_TIMEOUT
        while True:
            response = self._call(
                f"reading job {job.id}",
                lambda deadline: self._klaviyo.get_catalog_job(
                    _job_type(job.kind, job.action), job.id, deadline=deadline
                ),
            )
            self._result.reads += 1
            for resource in response.resources:
                if attribute(resource, "status") in ("complete", "cancelled"):
                    return mapping(resource.get("attributes"))
            if time.monotonic() > give_up_at:
                raise PushError(f"Klaviyo's job {job.id} hasn't finished: push again later")
            time.sleep(pause)
            pause = min(pause * 2, 5.0)

    def _record_failure(self, job: _Job, count: int, reason: str, composite_id: str = "") -> None:
        self._result.failed += count
        self._counts(job.action)[job.kind] -= count
        if len(self._result.failures) < MAX_LISTED_FAILURES:
            id_range = f"{count} of {len(job.ids)} from {job.ids[0]} to {job.ids[-1]}"
            self._result.failures.append(f"{composite_id or id_range}: {reason}")

    def _counts(self, action: Action) -> dict[CatalogKind, int]:
        return self._result.created if action == "create" else self._result.updated

    def _call(self, task: str, send: Callable[[Deadline], KlaviyoResponse]) -> KlaviyoResponse:
        """Send a call, with retries after temporary failures. Raise `PushError` if all fail."""
        response = send_with_retries(
            lambda: send(Deadline(CALL_TIMEOUT)), attempts=CALL_ATTEMPTS, max_wait=MAX_RETRY_AFTER
        )
        if response.status in (200, 201, 202):
            return response
        if response.status is None:
            raise PushError(
                f"no response from Klaviyo while {task} ({response.problem}): check the connection "
                "(flask notify-me check), then push again to continue"
            )
        outcome = outcome_of(response, Operation.UPDATE_VARIANT)
        raise PushError(
            f"{task} failed (status {response.status}): {outcome.explanation}. "
            "Once this is resolved, push again to continue"
        )


def _by_kind(counts: Mapping[CatalogKind, int]) -> str:
    return f"{_amount(counts['item'], 'item')} and {_amount(counts['variant'], 'variant')}"


def _amount(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _job_type(kind: CatalogKind, action: Action) -> str:
    return f"catalog-{kind}-bulk-{action}-job"


def _changes(wanted: Mapping[str, Any], existing: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes to update. Klaviyo's numbers may be floats, which compare equal.

    Metadata that others have added is kept.
    """
    changes = {name: value for name, value in wanted.items() if existing.get(name) != value}
    if metadata := changes.pop("custom_metadata", None):
        others = mapping(existing.get("custom_metadata"))
        if (combined := {**others, **metadata}) != others:
            changes["custom_metadata"] = combined
    return changes


def _count(attributes: Mapping[str, Any], name: str) -> int:
    """Return one of a job's counts, such as `failed_count`; 0 if the job doesn't report it."""
    value = attributes.get(name)
    return value if isinstance(value, int) else 0
