"""Checks that Klaviyo's catalog has every variant of the shop, under its composite ID."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..klaviyo.client import batches_by_id
from ..klaviyo.outcomes import KlaviyoResponse
from ..settings.listing import terminal_json
from ..variants import NUMERIC_ID_INTEGRATIONS, Catalog, ListedCatalog, is_numeric, writable
from .advice import row
from .reader import Reader, unreadable
from .report import Row

MAX_NAMED = 10
"""The maximum number of variants that the report names."""


@dataclass
class _VariantCount:
    """Counts variants, and lists the composite IDs of the first few."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, composite_id: str) -> None:
        self.count += 1
        if self.count <= MAX_NAMED:
            self.first.append(composite_id)

    def __str__(self) -> str:
        names = ", ".join(map(terminal_json, self.first))
        more = self.count - len(self.first)
        return f"{names}, and {more:,} more" if more else names


def variants_row(reader: Reader, catalog: Catalog) -> Row:
    """Compare the shop's variants with Klaviyo's catalog, in batches to use little memory."""
    if not isinstance(catalog, ListedCatalog):
        return row("variants/not listed")
    total = 0
    unknown, misnamed = _VariantCount(), _VariantCount()
    other_integrations: Counter[str] = Counter()

    def in_custom_catalog() -> Iterator[str]:
        """Yield the IDs that Klaviyo's API can look up; the others are only counted."""
        nonlocal total
        for composite_id in catalog.composite_ids():
            total += 1
            if writable(composite_id):
                yield str(composite_id)
                continue
            integration = composite_id.integration_type
            other_integrations[integration] += 1
            if integration in NUMERIC_ID_INTEGRATIONS and not is_numeric(composite_id.external_id):
                misnamed.add(str(composite_id))

    try:
        for batch in batches_by_id(in_custom_catalog(), str):
            topic = f"variants: {total:,} so far"
            get_catalog = reader.klaviyo.get_catalog
            response = reader.read(topic, "catalogs:read", get_catalog, "variant", batch)
            if response.status != 200:
                return unreadable("variants", response, "catalogs:read")
            for composite_id in _missing(batch, response):
                unknown.add(composite_id)
    except ValueError as error:
        text = "".join(char if char.isprintable() else "?" for char in str(error))
        return row("variants/invalid", error=text)
    if not total:
        return row("variants/none")
    if misnamed.count:
        numeric = NUMERIC_ID_INTEGRATIONS & other_integrations.keys()
        return row(
            "variants/misnamed",
            count=misnamed.count,
            total=total,
            integrations=" and ".join(sorted(numeric)),
            names=misnamed,
        )
    if unknown.count:
        get_catalog = reader.klaviyo.get_catalog
        response = reader.read("items", "catalogs:read", get_catalog, "item", unknown.first)
        are_items = response.status == 200 and not _missing(unknown.first, response)
        case = "variants/items" if are_items else "variants/unknown"
        return row(case, count=unknown.count, total=total, names=unknown)
    if other_integrations:
        names = ", ".join(map(terminal_json, sorted(other_integrations)))
        count = other_integrations.total()
        return row("variants/other integration", count=count, total=total, integrations=names)
    return row("variants", total=total)


def _missing(ids: Sequence[str], response: KlaviyoResponse) -> list[str]:
    existing = {str(resource.get("id")) for resource in response.resources}
    return [composite_id for composite_id in ids if composite_id not in existing]
