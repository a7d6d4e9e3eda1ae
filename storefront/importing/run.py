"""An import from beginning to end: the whole file is read and looked at before anything is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from notify_me.settings import KlaviyoCatalog

from ..base.models import Import
from ..catalog.loader import clear
from . import storing
from .menu import Menu
from .problems import Problems, Unreadable
from .products import GivenProduct, Products
from .rows import rows
from .seen import Seen
from .text import Progress


@dataclass(slots=True)
class Imported:
    """What an import did, or would do."""

    products: int
    variants: int
    departments: list[str]
    left_out: dict[str, int]
    """Products that the platform doesn't show: `draft`, `archived`, `unpublished`."""
    renumbered: int
    """Variants whose item number is their ID, since their SKU can't be one."""


def run(
    session: Session,
    path: Path,
    catalog: KlaviyoCatalog,
    *,
    dry_run: bool = False,
    progress: Progress = lambda count: None,
) -> Imported:
    """Put the products of a file in the place of the shop's, in one transaction.

    `progress` is told of bytes read; the file is read twice, with `dry_run` once. Raises
    `WrongFile` with every problem, and then nothing has changed; `OSError` when it can't be opened.
    """
    menu, products, variants = Menu(), 0, 0
    with closing(_Pass(path, catalog, progress)) as first:
        for product in first:
            menu.count(product.type)
            products += 1
            variants += len(product.variants)
        if not products and not first.problems.count:
            left = first.products.left_out.items()
            hidden = ", ".join(f"{count:,} {kind}" for kind, count in left)
            aside = f": {hidden}, which your own shop doesn't show either" if hidden else ""
            first.problems.add(1, f"there is no product in it that the shop could show{aside}")
        first.problems.check()
    departments = menu.departments
    if not dry_run:
        with closing(_Pass(path, catalog, progress)) as second:
            clear(session)
            storing.store(session, second, lambda type_: menu.department(type_, departments))
            # the file may have changed meanwhile
            second.problems.check()
        session.add(Import(id=1, file=path.name[:255], categories=departments))
        session.commit()
    return Imported(
        products=products,
        variants=variants,
        departments=[name for _, name in departments],
        left_out=dict(first.products.left_out),
        renumbered=first.products.renumbered,
    )


class _Pass:
    """The file, read once."""

    def __init__(self, path: Path, catalog: KlaviyoCatalog, progress: Progress) -> None:
        self.problems = Problems()
        self._seen = Seen()
        self.products = Products(catalog, self.problems, self._seen)
        self._rows = rows(
            path,
            progress,
            platform_ids=None if catalog.integration == "$custom" else catalog.integration,
        )

    def __iter__(self) -> Iterator[GivenProduct]:
        try:
            yield from self.products.of(self._rows)
        except Unreadable as error:
            self.problems.add(error.line, str(error))

    def close(self) -> None:
        """Let go of what was remembered."""
        self._seen.close()
