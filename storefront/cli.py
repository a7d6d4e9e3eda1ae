"""`flask storefront …`: the shop's commands."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import AppGroup
from werkzeug.security import generate_password_hash

from . import catalog_file, loader, merchant_door
from .database import db

CATALOG = Path(__file__).with_name("catalog.json")

SHORTEST = 12
"""Characters of a merchant's password."""

group = AppGroup("storefront", help="The shop's catalog, and the merchant's password.")


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


@group.command("hash-password")
def hash_password() -> None:
    """Ask for a password for the merchant's pages, and print its hash as a line for .env."""
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if len(password) < SHORTEST:
        raise click.ClickException(
            f"a password for the merchant's pages has {SHORTEST} characters or more: choose a "
            "longer one, such as four words that don't belong together"
        )
    click.echo(f"{merchant_door.SETTING}='{generate_password_hash(password)}'")
