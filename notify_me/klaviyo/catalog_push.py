"""Fill Klaviyo's custom catalog with the shop's products and variants: only what differs.

By the Catalogs API's bulk jobs, a hundred things at most in each. What Klaviyo has is read first,
so that a push that was stopped goes on where it was, and one with nothing to do writes nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from ..variants import CUSTOM_CATALOG, Variant, writable
from . import catalog_payloads as bodies
from .calls import Operation
from .client import Deadline, Klaviyo
from .outcomes import KlaviyoResponse, Temporary, outcome_of

Kind = Literal["item", "variant"]
Action = Literal["create", "update"]
Thing = tuple[str, Variant]
"""A composite ID, and the variant that tells how it should be: an item's is its first."""
Entry = tuple[str, Mapping[str, Any]]
"""A composite ID, and what a job is told of it."""

SIZE = 100
"""Things in one job, and the most that one read asks for."""
READ = 50
"""IDs in one read: a hundred long ones would not fit into an address."""
_PENDING = 5
"""Jobs under way at once."""
_PATIENCE = 20.0
"""Seconds for one call."""
_TRIES = 6
"""How often a call that meets a passing trouble is made."""
_LONGEST = 600.0
"""Seconds until a job that doesn't end is given up."""
MAX_LISTED_FAILURES = 50
"""Failures that are told one by one."""


class PushError(Exception):
    """Klaviyo can't be written to. Its text says what to do."""


@dataclass(slots=True)
class PushResult:
    """What a push did, or with `dry_run` would do."""

    created: dict[Kind, int] = field(default_factory=lambda: {"item": 0, "variant": 0})
    updated: dict[Kind, int] = field(default_factory=lambda: {"item": 0, "variant": 0})
    unchanged: int = 0
    failed: int = 0
    failures: list[str] = field(default_factory=list)
    """The first of what failed: the composite ID and Klaviyo's reason."""
    reads: int = 0
    writes: int = 0
    """Calls that were made."""


@dataclass(frozen=True, slots=True)
class _Job:
    kind: str
    id: str
    things: tuple[str, ...]


class CatalogPush:
    """One push. `products` gives the products anew each time it is called, each as its variants;
    it is called twice, since items must be there before their variants. `root` is the shop's
    address. `progress` is told of things done with; `wait` sleeps so many seconds.
    """

    def __init__(
        self,
        klaviyo: Klaviyo,
        products: Callable[[], Iterable[Sequence[Variant]]],
        root: str,
        *,
        dry_run: bool = False,
        progress: Callable[[int], None] = lambda count: None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._klaviyo = klaviyo
        self._products = products
        self._root = root
        self._dry_run = dry_run
        self._progress = progress
        self._wait = wait
        self._pending: deque[_Job] = deque()
        self._told = PushResult()

    def run(self) -> PushResult:
        """Push everything; raises `PushError` when Klaviyo refuses to go on."""
        self._push("item", self._items())
        self._push("variant", self._variants())
        return self._told

    def _items(self) -> Iterator[Thing]:
        for variants in self._products():
            first = variants[0]
            if not writable(first.composite_id):
                raise PushError(
                    f"{first.composite_id} is in a catalog that Klaviyo gets from elsewhere: only "
                    f"{':::'.join(CUSTOM_CATALOG)} is pushed"
                )
            yield bodies.item_id(first), first

    def _variants(self) -> Iterator[Thing]:
        for variants in self._products():
            for variant in variants:
                yield str(variant.composite_id), variant

    def _push(self, kind: Kind, things: Iterator[Thing]) -> None:
        jobs: dict[Action, list[Entry]] = {"create": [], "update": []}
        while batch := list(islice(things, READ)):
            wanted = {name: self._attributes(kind, variant) for name, variant in batch}
            found = self._read(kind, wanted)
            for name, variant in batch:
                if name not in found:
                    jobs["create"].append((name, self._creation(kind, variant)))
                elif changed := _differing(wanted[name], found[name]):
                    entry = {"type": f"catalog-{kind}", "id": name, "attributes": changed}
                    jobs["update"].append((name, entry))
                else:
                    self._told.unchanged += 1
            for action, entries in jobs.items():
                if len(entries) > SIZE - READ:
                    self._spawn(kind, action, entries)
            self._progress(len(batch))
        for action, entries in jobs.items():
            self._spawn(kind, action, entries)
        while self._pending:
            self._settle()

    def _attributes(self, kind: Kind, variant: Variant) -> Mapping[str, Any]:
        attributes = bodies.item_attributes if kind == "item" else bodies.variant_attributes
        return attributes(variant, self._root)

    def _creation(self, kind: Kind, variant: Variant) -> Mapping[str, Any]:
        create = bodies.create_item if kind == "item" else bodies.create_variant
        entry: Mapping[str, Any] = create(variant, self._root)["data"]
        return entry

    def _read(
        self, kind: Kind, wanted: Mapping[str, Mapping[str, Any]]
    ) -> dict[str, Mapping[str, Any]]:
        """What Klaviyo has of these, by composite ID."""
        names = [*wanted]
        # not each of them has a picture, so one alone doesn't name all that is asked for
        fields = tuple(dict.fromkeys(field for each in wanted.values() for field in each))
        read = self._klaviyo.get_catalog_items
        if kind == "variant":
            read = self._klaviyo.get_catalog_variants
        answer = self._patiently(lambda: read(names, fields, deadline=Deadline(_PATIENCE)))
        self._told.reads += 1
        data = answer.document.get("data")
        if answer.status != 200 or not isinstance(data, list):
            raise _refused(answer, f"reading the catalog's {kind}s")
        return {str(each["id"]): each.get("attributes") or {} for each in data}

    def _spawn(self, kind: Kind, action: Action, entries: list[Entry]) -> None:
        """Start a job of these, and empty the list."""
        if not entries:
            return
        count = self._told.created if action == "create" else self._told.updated
        count[kind] += len(entries)
        if not self._dry_run:
            names, things = zip(*entries, strict=True)
            job = f"catalog-{kind}-bulk-{action}-job"
            answer = self._patiently(
                lambda: self._klaviyo.spawn_catalog_job(job, things, deadline=Deadline(_PATIENCE))
            )
            self._told.writes += 1
            if answer.status not in (200, 201, 202):
                raise _refused(answer, f"writing {len(things)} {kind}s")
            self._pending.append(_Job(job, _id(answer), names))
            if len(self._pending) >= _PENDING:
                self._settle()
        entries.clear()

    def _settle(self) -> None:
        """Wait for the oldest job, and note what failed of it."""
        job = self._pending.popleft()
        pause, until = 0.05, time.monotonic() + _LONGEST
        while True:
            answer = self._patiently(
                lambda: self._klaviyo.get_catalog_job(
                    job.kind, job.id, deadline=Deadline(_PATIENCE)
                )
            )
            self._told.reads += 1
            attributes = (answer.document.get("data") or {}).get("attributes") or {}
            if answer.status != 200:
                raise _refused(answer, f"asking about job {job.id}")
            if attributes.get("status") in ("complete", "cancelled"):
                break
            if time.monotonic() > until:
                raise PushError(
                    f"Klaviyo's job {job.id} doesn't end: look at it later, and push again"
                )
            self._wait(pause)
            pause = min(pause * 2, 5.0)
        errors = attributes.get("errors") or ()
        for error in errors:
            self._fail(job, error)
        lost = _number(attributes.get("failed_count")) - len(errors)
        if attributes["status"] == "cancelled":
            lost = len(job.things) - _number(attributes.get("completed_count")) - len(errors)
        if lost > 0:
            self._failed(job, lost, f"job {job.id} is {attributes['status']} without them")

    def _fail(self, job: _Job, error: Mapping[str, Any]) -> None:
        source = error.get("source")
        place = str(source.get("pointer") or "") if isinstance(source, Mapping) else ""
        number = next((part for part in place.split("/") if part.isdecimal()), "")
        known = number and int(number) < len(job.things)
        why = str(error.get("detail") or error.get("code"))
        self._failed(job, 1, why, job.things[int(number)] if known else "")

    def _failed(self, job: _Job, count: int, why: str, name: str = "") -> None:
        """Count what a job didn't write. `name` is its ID; without it, one of the job's."""
        self._told.failed += count
        done = self._told.created if job.kind.endswith("-create-job") else self._told.updated
        done["item" if "-item-" in job.kind else "variant"] -= count
        if len(self._told.failures) < MAX_LISTED_FAILURES:
            of = f"{count} of {len(job.things)} from {job.things[0]} to {job.things[-1]}"
            self._told.failures.append(f"{name or of}: {why}")

    def _patiently(self, call: Callable[[], KlaviyoResponse]) -> KlaviyoResponse:
        """The answer of a call, made again after a throttle or a passing trouble."""
        pause = 0.5
        for left in reversed(range(_TRIES)):
            answer = call()
            outcome = outcome_of(answer, Operation.UPDATE_VARIANT)
            good = answer.status is not None and answer.status < 300
            if good or not isinstance(outcome, Temporary) or not left:
                break
            self._wait(answer.retry_after or pause)
            pause = min(pause * 2, 30.0)
        return answer


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _id(answer: KlaviyoResponse) -> str:
    data = answer.document.get("data")
    if not isinstance(data, dict) or not data.get("id"):
        raise PushError("Klaviyo took a job and didn't say which: push again in a minute")
    return str(data["id"])


def _differing(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """What isn't as it should be. Klaviyo's numbers may be floats where ours are not."""
    return {name: value for name, value in wanted.items() if found.get(name) != value}


def _refused(answer: KlaviyoResponse, doing: str) -> PushError:
    if answer.status is None:
        return PushError(
            f"Klaviyo gave no answer when {doing} ({answer.problem}): see whether this machine "
            "reaches it (flask notify-me check tells more), and push again to go on"
        )
    outcome = outcome_of(answer, Operation.UPDATE_VARIANT)
    told = answer.status
    why = f": {outcome.remedy}" if outcome.remedy else ""
    return PushError(f"Klaviyo answered {told} when {doing}{why}. Push again to go on")
