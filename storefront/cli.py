"""`flask storefront …`: the shop's commands."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup

from . import catalog_file, loader
from .database import db

CATALOG = Path(__file__).with_name("catalog.json")

group = AppGroup("storefront", help="The shop's catalog.")


@group.command("load")
@click.argument("file", type=click.Path(path_type=Path), default=CATALOG)
@click.option("--stock", is_flag=True, help="Set the stock of variants that are there, too.")
def load(file: Path, stock: bool) -> None:
    """Load a catalog FILE (by default the one that comes with the shop).

    Products and variants that are there are updated, by handle and SKU, and keep their stock.
    """
    try:
        catalog = catalog_file.read(file)
    except catalog_file.CatalogError as error:
        raise click.ClickException("\n".join(["nothing was loaded.", *error.problems])) from error
    loaded = loader.load(db.session, catalog, stock=stock)
    click.echo(
        f"The shop has {loaded.products} products with {loaded.variants} variants"
        f" from {file.name}; {loaded.new} of the products are new."
    )
