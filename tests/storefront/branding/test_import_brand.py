"""`flask storefront import-brand`, with the brands of the sandbox's account."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from PIL import Image

from storefront.branding.logo import LogoError, copy
from tests.storefront.conftest import close, make_shop
from tests.storefront.page import Page
from tests.support import Sandbox

SHOP_TOML = """\
# My shop.
name = "Fjell"
#accent = "#1f4d4a"

# The top of the home page.
[hero]
title = "Hello"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A `shop.toml`."""
    file = tmp_path / "shop.toml"
    file.write_text(SHOP_TOML, encoding="utf-8")
    return file


@pytest.fixture
def app(tmp_path: Path, catalog_db: Path, sandbox: Sandbox, config: Path) -> Iterator[Flask]:
    """A shop with this `shop.toml`, connected to the sandbox."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", **sandbox.environ(), SHOP_CONFIG=str(config))
    yield app
    close(app)


def run(app: Flask, *options: str) -> Result:
    """Run the command."""
    return app.test_cli_runner().invoke(args=["storefront", "import-brand", *options])


def restarted(app: Flask, **environ: str) -> Flask:
    """Return the same shop after a restart."""
    settings = {**environ, "SHOP_CONFIG": app.config["SHOP_CONFIG"]}
    return make_shop(Path(app.instance_path) / "shop.db", **settings)


@pytest.mark.parametrize(
    ("brand", "accent", "font"),
    [
        ("harbour", "#12355b", "Verdana, Geneva, sans-serif"),
        ("poppy", "#f0592a", "Arial, 'Helvetica Neue', sans-serif"),
    ],
)
def test_shop_looks_like_the_brand(
    app: Flask, sandbox: Sandbox, config: Path, brand: str, accent: str, font: str
) -> None:
    sandbox.set("account", brand=brand)

    result = run(app)

    assert result.exit_code == 0, result.output
    text = config.read_text(encoding="utf-8")
    assert text.startswith('# My shop.\nname = "Fjell"\n#accent')
    values = tomllib.loads(text)
    assert (values["accent"], values["font"]) == (accent, font)
    assert values["hero"] == {"title": "Hello"}
    shop = restarted(app)
    path = f"/brand/{Path(values['logo']).name}"
    assert f'src="{path}"' in Page(shop.test_client(), "/").html
    with shop.test_client().get(path) as picture:  # closes the file
        assert (picture.status_code, picture.mimetype) == (200, "image/webp")
        assert Image.open(BytesIO(picture.data)).height <= 160
    assert accent in shop.test_client().get("/accent.css").text
    close(shop)


def test_dry_run_writes_nothing(app: Flask, config: Path, tmp_path: Path) -> None:
    result = run(app, "--dry-run")

    assert "accent: #12355b" in result.output
    assert "Nothing was written" in result.output
    assert config.read_text(encoding="utf-8") == SHOP_TOML
    assert [*tmp_path.glob("logo-*")] == []


@pytest.mark.parametrize(
    ("account", "message"),
    [({"scopes": []}, "lacks the brands:read scope"), ({"brand": "none"}, "has no brand")],
)
def test_brand_that_cannot_be_read(
    app: Flask, sandbox: Sandbox, config: Path, account: dict[str, object], message: str
) -> None:
    sandbox.set("account", **account)

    result = run(app)

    assert result.exit_code == 1
    assert message in result.output
    assert config.read_text(encoding="utf-8") == SHOP_TOML


def test_missing_copy_of_the_logo_shows_the_name(app: Flask, tmp_path: Path) -> None:
    run(app)
    [file] = tmp_path.glob("logo-*.webp")
    file.unlink()

    shop = restarted(app)

    assert "/brand/logo-" not in shop.test_client().get("/").text
    assert shop.test_client().get(f"/brand/{file.name}").status_code == 404
    close(shop)


def picture(format: str, size: tuple[int, int] = (40, 20), mode: str = "RGB") -> bytes:  # noqa: A002
    """Return a picture in one of Pillow's formats."""
    buffer = BytesIO()
    Image.new(mode, size).save(buffer, format)
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_logo_is_copied(format: str) -> None:  # noqa: A002
    image = Image.open(BytesIO(copy(picture(format, (3000, 300)))))

    assert (image.format, image.size) == ("WEBP", (800, 80))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a valid PNG, JPEG or WebP"),
        (b"", "a valid PNG, JPEG or WebP"),
        (picture("GIF"), "a valid PNG, JPEG or WebP"),
        (picture("PNG")[:60], "a valid PNG, JPEG or WebP"),
        (b"\x89PNG\r\n" + b"0" * 4 * 1024**2, "larger than 4 MB"),
        (picture("PNG", (5000, 4000), "1"), "is 5000 × 4000 pixels"),
    ],
    ids=["SVG", "empty", "GIF", "cut off", "too large", "too many pixels"],
)
def test_logo_that_cannot_be_used_has_a_reason(content: bytes, reason: str) -> None:
    with pytest.raises(LogoError, match=reason):
        copy(content)
