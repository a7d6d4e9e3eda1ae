"""What an import did, in words."""

from __future__ import annotations

from .run import Imported


def summary(done: Imported, file: str, *, dry_run: bool) -> str:
    """A few sentences for whoever ran it."""
    told = [
        f"The shop {'would have' if dry_run else 'now has'} {_number(done.products, 'product')} "
        f"with {_number(done.variants, 'variant')} from {file}."
    ]
    if done.departments:
        told.append(f"Departments: {', '.join(done.departments)}.")
    if done.left_out:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in done.left_out.items())
        told.append(f"Left out, since your own shop doesn't show them: {kinds}.")
    if done.renumbered:
        told.append(
            f"Without a SKU of their own: {_number(done.renumbered, 'variant')}, whose item number "
            "here is the variant's ID."
        )
    return "\n".join(told)


def _number(count: int, thing: str) -> str:
    return f"{count:,} {thing if count == 1 else f'{thing}s'}"
