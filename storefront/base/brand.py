"""The Klaviyo account's brand as stored in `instance/`: its colours, settings and logo.

The logo in `shop.toml` may be a file in `static/`, or the copy that import-brand stores in
`instance/`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, current_app, send_from_directory, url_for

from .current_shop import shop
from .settings import INSTANCE_LOGO

FILE = "brand.json"
MAX_AGE = 31_536_000
"""Seconds a browser may cache the logo, whose name contains a hash of its content."""

blueprint = Blueprint("brand", __name__)


@dataclass(frozen=True, slots=True)
class StoredBrand:
    """The brand as last read from Klaviyo."""

    name: str
    colors: Mapping[str, str]
    """The value of each colour, such as `#12355b`, by the colour's name."""
    settings: Mapping[str, Any]
    """The kit's settings by dotted key; None means that the setting must be unset."""


def stored_brand() -> StoredBrand | None:
    """Return the brand, or None if it hasn't been read yet."""
    file = Path(current_app.instance_path) / FILE
    try:
        return _read(file, file.stat().st_mtime_ns)
    except (OSError, ValueError, TypeError):
        return None


@lru_cache(maxsize=4)
def _read(file: Path, _modified: int) -> StoredBrand:
    return StoredBrand(**json.loads(file.read_text(encoding="utf-8")))


def store(brand: StoredBrand) -> None:
    """Replace the stored brand. Raises `OSError`."""
    file = Path(current_app.instance_path) / FILE
    new_file = file.with_suffix(".new")
    new_file.write_text(json.dumps(asdict(brand), indent=1, ensure_ascii=False), encoding="utf-8")
    new_file.replace(file)


def logo_setting(content: bytes) -> str:
    """Return the value of `logo` in `shop.toml` for a WebP image."""
    return f"instance/logo-{hashlib.sha256(content).hexdigest()[:12]}.webp"


def store_logo(content: bytes) -> None:
    """Store the copy of a logo. Raises `OSError`."""
    file = Path(current_app.instance_path) / Path(logo_setting(content)).name
    file.write_bytes(content)


def logo_url() -> str:
    """Return the URL of the shop's logo, or an empty string if the shop has no logo."""
    logo = shop().logo
    if not re.fullmatch(INSTANCE_LOGO, logo):
        return url_for("static", filename=logo) if logo else ""
    name = Path(logo).name
    if not (Path(current_app.instance_path) / name).is_file():
        return ""
    return url_for("brand.logo", name=name)


@blueprint.get("/brand/<name>")
def logo(name: str) -> Response:
    """Return the logo.

    :raise 404: there is no such logo.
    """
    if not re.fullmatch(INSTANCE_LOGO, f"instance/{name}"):
        abort(404)
    response = send_from_directory(current_app.instance_path, name, max_age=MAX_AGE)
    response.cache_control.no_cache = None
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response
