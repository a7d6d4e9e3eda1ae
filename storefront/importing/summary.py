"""The summary of an import, in sentences for the merchant."""

from __future__ import annotations

from collections.abc import Iterator

from .files import WINDOWS_ENCODING
from .products import Counts
from .run import ImportResult

ENCODINGS = {"utf-8-sig": "UTF-8", WINDOWS_ENCODING: "Windows-1252"}


def summary(result: ImportResult, file: str, integration: str, *, dry_run: bool) -> list[str]:
    """Return the lines of the summary of an import or a dry run."""
    counts = result.counts
    products = f"{count(counts.products, 'product')} with {count(counts.variants, 'variant')}"
    source = "" if result.platform == "CSV" else f" ({result.platform} export)"
    lines = [
        f"{file}{source} is valid: {products}. Nothing has been imported yet."
        if dry_run
        else f"Imported {products} from {file}{source}."
    ]
    if result.categories:
        lines.append(f"Categories: {', '.join(result.categories)}.")
    if result.currency and not result.choices.currency:
        lines.append(f"Currency: {result.currency}, as in the file. To change it, use --currency.")
    if result.shared_symbol:
        lines.append(
            f"The prices use the symbol {result.shared_symbol}, which several currencies share: "
            "choose yours with --currency."
        )
    if result.shop_name and not result.choices.shop_name:
        lines.append(
            f"Shop name: {result.shop_name}, the vendor of more than half of the products. "
            "To change it, use --shop-name."
        )
    lines += _left_out(counts)
    lines += _ids(counts, integration)
    if counts.without_price:
        lines.append(
            f"{count(counts.without_price, 'variant')} without a price: shown with a price of 0."
        )
    if counts.stock_unknown:
        shown_as = (result.choices.stock_unknown or "sold-out").replace("-", " ")
        lines.append(
            f"{count(counts.stock_unknown, 'variant')} with tracked stock but no quantity: shown "
            f"as {shown_as} (--stock-unknown)."
        )
    lines.append(
        f"{count(counts.sold_out, 'variant')} sold out."
        if counts.sold_out
        else "No variant is sold out, so no Notify me button is shown. For a demo, import with "
        "--sell-out 10%, or set one variant's stock to 0: flask storefront restock SKU 0"
    )
    encoding = ENCODINGS.get(result.encoding, result.encoding)
    if encoding != "UTF-8":
        lines.append(
            f"The file was read as {encoding}. If characters look wrong, specify the encoding "
            "with --encoding."
        )
    return lines


def _left_out(counts: Counts) -> Iterator[str]:
    if counts.skipped:
        kinds = ", ".join(f"{number:,} {kind}" for kind, number in counts.skipped.items())
        yield f"Products left out: {kinds}."
    if counts.hidden_variants:
        yield f"Left out: {count(counts.hidden_variants, 'hidden variant')}."
    if counts.pictures_without_url:
        pictures = count(counts.pictures_without_url, "picture")
        yield (
            f"Left out: {pictures} without a full URL (one such as https://shop.example/cup.jpg)."
        )
    for status, (number, line) in counts.unknown_statuses.items():
        where = f"line {line}" if number == 1 else f"first on line {line}"
        yield f"Left out: {count(number, 'product')} with the unknown status {status!r} ({where})."


def _ids(counts: Counts, integration: str) -> Iterator[str]:
    if counts.generated_ids:
        yield (
            f"{count(counts.generated_ids, 'variant')} without a unique SKU: each ID was "
            "generated from the handle and options, and stays the same when you import again."
        )
    if counts.placeholders:
        source = " from the shop's products.json" if integration == "$shopify" else ""
        yield (
            f"{count(counts.placeholders, 'variant')} without an ID from {integration}: sign-ups "
            "for them work with the sandbox, but are never sent to Klaviyo. Add the IDs"
            f"{source} with --ids FILE."
        )


def count(number: int, noun: str) -> str:
    """Return a number with its noun, such as `2 variants`."""
    return f"{number:,} {noun if number == 1 else f'{noun}s'}"
