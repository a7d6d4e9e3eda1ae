"""Whether Klaviyo knows every variant of the shop under its composite ID."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..klaviyo.outcomes import KlaviyoResponse
from ..settings.listing import terminal_json
from ..variants import NUMERIC_ID_INTEGRATIONS, Catalog, CompositeID, ListedCatalog, is_numeric
from .asking import Asking, things
from .report import Row, Verdict
from .sign_ups import unread

BATCH, LONGEST_FILTER = 100, 6000
"""IDs asked for in one call: so many at most, and so many characters, since servers
bound an address at 8 kB.
"""
SHOWN = 10
_SCOPES = frozenset({"catalogs:read"})


@dataclass
class _Found:
    """What was found so far."""

    total: int = 0
    unknown: int = 0
    first_unknown: list[str] = field(default_factory=list)
    elsewhere: Counter[str] = field(default_factory=Counter)
    """Variants of catalogs that the API doesn't show, by integration."""
    misnamed: list[str] = field(default_factory=list)
    misnamed_count: int = 0

    def sort(self, composite_id: CompositeID) -> bool:
        """Count a variant; whether Klaviyo's API can be asked about it."""
        self.total += 1
        kind = composite_id.integration_type
        if (kind, composite_id.catalog_id) == ("$custom", "$default"):
            return True
        self.elsewhere[kind] += 1
        if kind in NUMERIC_ID_INTEGRATIONS and not is_numeric(composite_id.external_id):
            self.misnamed_count += 1
            self.misnamed += [str(composite_id)] if len(self.misnamed) < SHOWN else []
        return False

    def compare(self, asked: Sequence[str], answer: KlaviyoResponse) -> None:
        """Count those that Klaviyo lacks."""
        known = {each.get("id") for each in things(answer)}
        lacking = [each for each in asked if each not in known]
        self.unknown += len(lacking)
        self.first_unknown += lacking[: SHOWN - len(self.first_unknown)]


def variants_row(asking: Asking, catalog: Catalog) -> Row:
    """Compare the shop's variants with Klaviyo's catalog, a batch at a time: memory stays flat."""
    if not isinstance(catalog, ListedCatalog):
        return Row(
            "variants",
            Verdict.SKIP,
            "the shop's catalog can't list its variants",
            "give it a method composite_ids() (notify_me.ListedCatalog), and run the check again",
        )
    found = _Found()
    try:
        for batch in _batches(each for each in catalog.composite_ids() if found.sort(each)):
            answer = _known(asking, batch, found.total)
            if answer.status != 200:
                return unread("variants", answer, "catalogs:read")
            found.compare(batch, answer)
    except ValueError as error:
        why = "".join(each if each.isprintable() else "?" for each in str(error))
        words = f"the shop's catalog holds an ID that can't be one: {why}"
        return Row("variants", Verdict.FAIL, words, "mend it in the shop's catalog")
    return _row(asking, found)


def _known(asking: Asking, batch: Sequence[str], so_far: int) -> KlaviyoResponse:
    return asking.ask(
        f"variants: {so_far:,} so far",
        _SCOPES,
        lambda deadline: asking.klaviyo.get_catalog_variants(batch, deadline=deadline),
    )


def _row(asking: Asking, found: _Found) -> Row:
    if not found.total:
        cure = "put products into it, and run the check again"
        return Row("variants", Verdict.WARN, "the shop has no variants", cure)
    if found.misnamed:
        kinds = " and ".join(sorted(NUMERIC_ID_INTEGRATIONS & found.elsewhere.keys()))
        return Row(
            "variants",
            Verdict.FAIL,
            f"{found.misnamed_count:,} of {found.total:,} have an ID that is no variant's of "
            f"{kinds}, which numbers them: {_listed(found.misnamed, found.misnamed_count)}",
            "these look like SKUs or names: use the platform's own variant ID, a number",
        )
    if found.unknown:
        return _unknown(asking, found)
    if found.elsewhere:
        kinds = ", ".join(map(terminal_json, sorted(found.elsewhere)))
        return Row(
            "variants",
            Verdict.WARN,
            f"{found.elsewhere.total():,} of {found.total:,} are of {kinds}: Klaviyo's API shows "
            "its custom catalog alone, so whether it knows them can't be told from here",
            "in Klaviyo, see under Content > Products that the integration syncs, and sign up for "
            "one of them: a variant that Klaviyo doesn't know is told at once",
        )
    return Row("variants", Verdict.PASS, f"Klaviyo knows all {found.total:,}")


def _unknown(asking: Asking, found: _Found) -> Row:
    listed = _listed(found.first_unknown, found.unknown)
    answer = asking.ask(
        "items",
        _SCOPES,
        lambda deadline: asking.klaviyo.get_catalog_items(found.first_unknown, deadline=deadline),
    )
    items = {each.get("id") for each in things(answer)}
    if answer.status == 200 and items.issuperset(found.first_unknown):
        return Row(
            "variants",
            Verdict.WARN,
            f"{found.unknown:,} of {found.total:,} are items at Klaviyo, not variants, as a feed "
            f"makes them: {listed}",
            "sign up for one of them: if that is refused, push them as variants instead, and "
            "turn the feed off",
        )
    return Row(
        "variants",
        Verdict.FAIL,
        f"Klaviyo doesn't know {found.unknown:,} of {found.total:,}: {listed}",
        "push them to Klaviyo's custom catalog (this shop: flask storefront push-catalog); if "
        "another system fills Klaviyo's catalog, send its integration, catalog ID and variant IDs",
    )


def _listed(first: Sequence[str], count: int) -> str:
    more = f", and {count - len(first):,} more" if count > len(first) else ""
    return ", ".join(map(terminal_json, first)) + more


def _batches(ids: Iterable[CompositeID]) -> Iterator[list[str]]:
    batch: list[str] = []
    length = 0
    for each in ids:
        longer = len(each.path) + len("%2C%22%22")
        if batch and (len(batch) == BATCH or length + longer > LONGEST_FILTER):
            yield batch
            batch, length = [], 0
        batch.append(str(each))
        length += longer
    if batch:
        yield batch
