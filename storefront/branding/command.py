"""`flask storefront import-brand`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from flask import current_app
from flask.cli import with_appcontext

from notify_me import SettingsError, studio

from ..base import brand, settings
from .logo import LogoError, download

CONTRAST_HINT = "the text on it is white or dark, whichever is easier to read"


@click.command("import-brand")
@click.option("--dry-run", is_flag=True, help="Only report what would be imported.")
@with_appcontext
def import_brand(dry_run: bool) -> None:
    """Make the shop look like the brand of the Klaviyo account: accent color, font and logo.

    They are written to shop.toml, and the logo is downloaded once. The button and the form have a
    command of their own: flask notify-me import-brand. The private key needs the scope brands:read.
    """
    try:
        found = studio.read_brand()
    except studio.BrandError as error:
        raise click.ClickException(f"{error}.") from None
    kit_settings = studio.brand_settings(found).settings
    values, notes = _looks(kit_settings, found)
    logo: bytes | None = None
    if found.logo:
        try:
            logo = download(found.logo.url, allow_private=_is_sandbox())
            values["logo"] = brand.logo_setting(logo)
            notes.append(f"logo: {values['logo']}, a copy of the account's first logo")
        except LogoError as error:
            notes.append(f"logo: not imported: {error}")
    else:
        notes.append("logo: not imported: the account has no logo with a picture")
    click.echo("\n".join(notes))
    if dry_run:
        click.echo("\nNothing was written.")
        return
    if logo is not None:
        brand.store_logo(logo)
    brand.store(brand.KnownBrand(found.name, dict(found.colors), kit_settings))
    target = Path(current_app.config["SHOP_CONFIG"]).resolve()
    _write(target, values)
    click.echo(f"\nWritten to {target}. Restart the shop to see it.")


def _looks(kit_settings: dict[str, Any], found: studio.Brand) -> tuple[dict[str, Any], list[str]]:
    """Return the settings of `shop.toml`, and a sentence for each."""
    values: dict[str, Any] = {}
    notes = []
    accent = kit_settings.get("button.button_styles.color")
    source = "the primary button's color"
    if accent is None and found.colors:
        name, accent = next(iter(found.colors.items()))
        source = f"the color {name}"
    if accent:
        values["accent"] = accent
        notes.append(f"accent: {accent}, {source}; {CONTRAST_HINT}")
    else:
        notes.append("accent: not imported: the brand has no button and no colors")
    font = kit_settings.get("modal.font_family")
    if font:
        values["font"] = font
        notes.append(f"font: {font}, the font of the account's emails without web fonts")
    else:
        notes.append("font: not imported: the account's emails have no font that browsers have")
    return values, notes


def _is_sandbox() -> bool:
    """Whether Klaviyo's API is on this machine, so that its pictures may be, too."""
    host = urlsplit(current_app.config.get("KLAVIYO_API_URL") or "").hostname
    return host in ("127.0.0.1", "localhost", "::1")


def _write(target: Path, values: dict[str, Any]) -> None:
    """Replace `shop.toml`, with its comments, unless its settings would be invalid."""
    new_file = target.with_name(f".{target.name}.new")
    try:
        text = studio.merged_toml(target.read_text(encoding="utf-8-sig"), values)
        new_file.write_text(text, encoding="utf-8")
        settings.read(new_file)
        shutil.copymode(target, new_file)
        new_file.replace(target)
    except SettingsError as error:
        problem = error.format_message().replace(str(new_file), str(target))
        raise click.ClickException(f"nothing was written: {problem}") from None
    except studio.MissingExtraError as error:
        raise click.ClickException(f"{error}.") from None
    except OSError as error:
        raise click.ClickException(f"{target} can't be written: {error.strerror}") from None
    finally:
        new_file.unlink(missing_ok=True)
