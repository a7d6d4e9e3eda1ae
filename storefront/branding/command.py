"""`flask storefront import-brand`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from notify_me import studio

from ..base import brand, settings
from .logo import LogoError, download

CONTRAST_HINT = "the text on it is white or dark, whichever is easier to read"


@click.command("import-brand")
@click.option("--dry-run", is_flag=True, help="Only report what would be imported.")
@with_appcontext
def import_brand(dry_run: bool) -> None:
    """Match the shop's accent colour, font and logo to the brand of the Klaviyo account.

    They are written to shop.toml, and the logo is downloaded once. For the button and the form, use
    flask notify-me import-brand. The private key needs the brands:read scope.
    """
    try:
        klaviyo_brand = studio.read_brand()
    except studio.BrandError as error:
        raise click.ClickException(f"{error}.") from None
    kit_settings = studio.brand_settings(klaviyo_brand).settings
    values, notes = _shop_settings(kit_settings, klaviyo_brand)
    logo: bytes | None = None
    if klaviyo_brand.logo:
        try:
            # the sandbox serves its images from this machine
            api_url = current_app.config.get("KLAVIYO_API_URL") or ""
            logo = download(klaviyo_brand.logo.url, allow_private=studio.is_stand_in(api_url))
            values["logo"] = brand.logo_setting(logo)
            notes.append(f"logo: {values['logo']}, a copy of the account's first logo")
        except LogoError as error:
            notes.append(f"logo: not imported: {error}")
    else:
        notes.append("logo: not imported: the account has no logo that can be used")
    click.echo("\n".join(notes))
    if dry_run:
        click.echo("\nNothing was written.")
        return
    if logo is not None:
        brand.store_logo(logo)
    brand.store(brand.StoredBrand(klaviyo_brand.name, dict(klaviyo_brand.colors), kit_settings))
    target = Path(current_app.config["SHOP_CONFIG"]).resolve()
    _write(target, values)
    click.echo(f"\nWritten to {target}. Restart the shop to apply the settings.")


def _shop_settings(
    kit_settings: dict[str, Any], klaviyo_brand: studio.Brand
) -> tuple[dict[str, Any], list[str]]:
    """Return the settings for `shop.toml`, and a line about each setting, imported or not."""
    values: dict[str, Any] = {}
    notes = []
    accent = kit_settings.get("button.button_styles.color")
    source = "the primary button's colour"
    if accent is None and klaviyo_brand.colors:
        name, accent = next(iter(klaviyo_brand.colors.items()))
        source = f"the colour {name}"
    if accent:
        values["accent"] = accent
        notes.append(f"accent: {accent}, {source}; {CONTRAST_HINT}")
    else:
        notes.append(
            "accent: not imported: the brand has no button colour or palette that can be used"
        )
    font = kit_settings.get("modal.font_family")
    if font:
        values["font"] = font
        notes.append(f"font: {font}, the font of the account's emails; web fonts are left out")
    else:
        notes.append("font: not imported: the account's emails use only web fonts, or none")
    return values, notes


def _write(target: Path, values: dict[str, Any]) -> None:
    """Write the values to `shop.toml`, preserving its comments; an invalid result isn't written."""
    try:
        text = studio.merged_toml(target.read_text(encoding="utf-8-sig"), values)
    except studio.MissingExtraError as error:
        raise click.ClickException(f"{error}.") from None
    except OSError as error:
        raise click.ClickException(f"{target} can't be written: {error.strerror}") from None
    studio.replace_toml(target, text, settings.read)
