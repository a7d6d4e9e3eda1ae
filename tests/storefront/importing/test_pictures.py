"""Pictures of imported products: downloads from a local server, copies, links, and the pages."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, Response, redirect
from flask.testing import FlaskClient
from PIL import Image, ImageCms
from werkzeug.datastructures import Headers

from storefront import db
from storefront.base import fetching
from tests.storefront.conftest import close, make_shop
from tests.storefront.page import Page
from tests.support import serve

MakeShop = Callable[..., Flask]


def encoded(size: tuple[int, int], kind: str = "JPEG", mode: str = "RGB") -> bytes:
    """Return a picture as the content of a file."""
    file = io.BytesIO()
    Image.new(mode, size, "#7a5a86").save(file, kind)
    return file.getvalue()


def gray_png() -> bytes:
    """Return a medium gray picture with 16 bits per pixel."""
    file = io.BytesIO()
    Image.new("I;16", (400, 400), 0x8000).save(file, "PNG")
    return file.getvalue()


def picture_with_profile(profile: bytes = b"") -> bytes:
    """Return a red picture with a colour profile; by default, one in which red means green."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"----").replace(b"gXYZ", b"rXYZ").replace(b"----", b"gXYZ")
    file = io.BytesIO()
    Image.new("RGB", (400, 400), "red").save(file, "JPEG", icc_profile=profile or swapped)
    return file.getvalue()


class InvalidRedirect(Response):
    """A redirect to an invalid URL, which Werkzeug would not send otherwise."""

    def get_wsgi_headers(self, environ: Any) -> Headers:
        """Return the headers with an address that can't be parsed."""
        headers = super().get_wsgi_headers(environ)
        headers["Location"] = "http://[x"
        return headers


def huge_png() -> bytes:
    """Return a small file that claims to have 40,000 x 40,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def requested() -> list[str]:
    """The paths requested from the picture server."""
    return []


@pytest.fixture(scope="module")
def pictures(requested: list[str]) -> Iterator[str]:
    """The address of a server with pictures and with files that aren't usable pictures."""
    contents = {
        "portrait.jpg": encoded((1500, 2000)),
        "square.png": encoded((500, 500), "PNG", "RGBA"),
        "wide.webp": encoded((900, 600), "WEBP"),
        "tall.gif": encoded((200, 3000), "GIF"),
        "16-bit.png": gray_png(),
        "profile.jpg": picture_with_profile(),
        "damaged-profile.jpg": picture_with_profile(b"damaged"),
        "page.jpg": b"<!doctype html><title>Not a picture</title>",
        "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        "damaged.jpg": encoded((900, 900))[:2000],
        "huge.png": huge_png(),
        "large.jpg": b"x" * (fetching.MAX_BYTES + 1),
    }
    server = Flask("pictures")

    @server.get("/<path:name>")
    def picture(name: str) -> Response:
        requested.append(name)
        if name in contents:
            # the type that the server claims doesn't count
            return Response(contents[name], mimetype="text/plain")
        if name.startswith("moved"):
            return redirect("/portrait.jpg")  # type: ignore[return-value]
        if name.startswith("astray"):
            return InvalidRedirect(status=302)
        if name.startswith("circle"):
            return redirect(f"/{name}")  # type: ignore[return-value]
        return Response(status=403 if name.startswith("secret") else 404)

    with serve(server) as url:
        yield url


@pytest.fixture
def shop(tmp_path: Path, catalog_db: Path) -> Iterator[MakeShop]:
    """Make a shop that may download pictures from this machine, unless `environ` changes this."""
    apps = []

    def make(**environ: str) -> Flask:
        database = tmp_path / "shop.db"
        database.write_bytes(catalog_db.read_bytes())
        app = make_shop(database, **{"ALLOW_PRIVATE_PICTURES": "1"} | environ)
        app.instance_path = str(tmp_path / "instance")
        apps.append(app)
        return app

    yield make
    for app in apps:
        close(app)


def import_products(app: Flask, file: Path, pictures: list[tuple[str, str]], *options: str) -> str:
    """Import a product for each picture address and alternative text; return the summary."""
    with file.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        names = ("Handle", "Title", "Variant SKU", "Variant Price", "Variant Inventory Qty")
        writer.writerow([*names, "Variant Inventory Tracker", "Image Src", "Image Alt Text"])
        for number, (url, alt) in enumerate(pictures):
            cells = (f"p{number}", f"Product {number}", f"SKU-{number}", "10.00", "0", "shopify")
            writer.writerow([*cells, url, alt])
    arguments = ["storefront", "import-catalog", str(file), *options]
    with app.app_context():
        result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def stage(client: FlaskClient, number: int) -> dict[str, str]:
    """Return the attributes of the picture on a product's page."""
    html = Page(client, f"/products/p{number}").html
    [tile] = re.findall(r'class="tile tile--stage.*?<img (.*?)>', html, re.DOTALL)
    return dict(re.findall(r'(\w+)="([^"]*)"', tile))


def test_copies_are_resized_and_served_with_long_caching(
    shop: MakeShop,
    tmp_path: Path,
    pictures: str,
    requested: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = shop()
    addresses = [
        (f"{pictures}/portrait.jpg", "A woman in a wool coat"),
        (f"{pictures}/square.png?v=1&width=9", ""),
        (f"{pictures}/wide.webp", ""),
        (f"{pictures}/moved/1", ""),
        (f"{pictures}/tall.gif", ""),
    ]
    summary = import_products(app, tmp_path / "a.csv", addresses)

    assert "Pictures copied to instance/pictures: 5." in summary
    client = app.test_client()
    portrait, square, tall = stage(client, 0), stage(client, 1), stage(client, 4)
    assert portrait["alt"] == "A woman in a wool coat"
    assert square["alt"] == "Product 1"
    assert re.findall(r" (\d+)w", portrait["srcset"]) == ["320", "640", "1280"]
    assert re.findall(r" (\d+)w", square["srcset"]) == ["320", "500"]
    assert (portrait["width"], portrait["height"]) == ("1280", "1707")
    assert (tall["width"], tall["height"]) == ("200", "600")
    for url in re.findall(r"(/\S+) (\d+)w", portrait["srcset"] + ", " + square["srcset"]):
        reply = client.get(url[0], buffered=True)
        assert reply.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        with Image.open(io.BytesIO(reply.data)) as copy:
            assert (copy.format, str(copy.width)) == ("WEBP", url[1])

    page = Page(client, "/products/p0").html
    [data] = re.findall(r'application/ld\+json">(.*?)</script>', page)
    jpeg = json.loads(data)["image"]
    assert jpeg.startswith("http://localhost/pictures/")
    feed = json.loads(client.get("/feeds/catalog.json").data)
    assert feed[0]["image_link"] == jpeg
    with Image.open(io.BytesIO(client.get(jpeg, buffered=True).data)) as copy:
        assert (copy.format, copy.size) == ("JPEG", (800, 1067))
    assert client.get("/pictures/..%2fshop.db").status_code == 404
    assert client.get(f"/pictures/{'0' * 32}-640.webp").status_code == 404

    # importing again shows the existing copies even before pictures are added
    with monkeypatch.context() as patch:
        patch.setattr("storefront.importing.command.add_pictures", lambda **options: [])
        import_products(app, tmp_path / "a.csv", addresses)
    assert stage(client, 0) == portrait

    # the next import downloads only what is new, and deletes what isn't used any more
    requested.clear()
    folder = Path(app.instance_path) / "pictures"
    (folder / "lost+found").mkdir()
    (folder / "unfinished-1.webp").touch()
    import_products(app, tmp_path / "a.csv", [addresses[0], (f"{pictures}/wide.webp?v=2", "")])
    assert requested == ["wide.webp"]
    assert len({path.name.partition("-")[0] for path in folder.glob("*-*")}) == 2
    assert (folder / "lost+found").is_dir()


def test_drawings_replace_unavailable_pictures(
    shop: MakeShop, tmp_path: Path, pictures: str
) -> None:
    reasons = {
        f"{pictures}/none.jpg": "1 not found",
        f"{pictures}/secret.jpg": "1 unavailable (status 403)",
        f"{pictures}/circle": "1 redirected too many times",
        f"{pictures}/astray": "1 redirected to an invalid URL",
        f"{pictures}/large.jpg": "1 larger than 20 MB",
        f"{pictures}/huge.png": "1 with more than 60 million pixels",
        f"{pictures}/damaged.jpg": "1 damaged",
        f"{pictures}/page.jpg": "2 not in a supported format",
        f"{pictures}/drawing.svg": "2 not in a supported format",
        "http://127.0.0.1:9/a.jpg": "1 on a server that doesn't respond",
    }
    app = shop()
    summary = import_products(app, tmp_path / "a.csv", [(url, "") for url in reasons])

    assert (
        "Pictures that couldn't be used (another picture or a drawing is shown instead): "
        in summary
    )
    for reason in reasons.values():
        assert reason in summary
    client = app.test_client()
    assert all("/drawings/" in stage(client, number)["src"] for number in range(len(reasons)))


def test_downloads_from_private_networks_are_refused(
    shop: MakeShop, tmp_path: Path, pictures: str, requested: list[str]
) -> None:
    """Downloads from private networks need a setting that allows them."""
    requested.clear()
    hosts = [
        *("127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "0.0.0.0", "2130706433"),
        *("[::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]"),
        *("[fec0::1]", "[::7f00:1]"),
    ]
    port = pictures.rpartition(":")[2]
    addresses = [(f"http://{host}:{port}/portrait.jpg", "") for host in hosts]
    summary = import_products(shop(ALLOW_PRIVATE_PICTURES="0"), tmp_path / "a.csv", addresses)

    assert f"{len(hosts)} on a private network" in summary
    assert requested == []


def test_host_with_one_private_address_is_refused(
    shop: MakeShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If such a host were accepted, the download might connect to the private address."""
    found = [(0, 0, 0, "", (address, 80)) for address in ("93.184.215.14", "127.0.0.1")]
    monkeypatch.setattr(fetching, "getaddrinfo", lambda *args, **options: found)
    addresses = [("http://pictures.example/a.jpg", "")]
    summary = import_products(shop(ALLOW_PRIVATE_PICTURES="0"), tmp_path / "a.csv", addresses)

    assert "1 on a private network" in summary


def test_linked_pictures_add_their_servers_to_the_security_policy(
    shop: MakeShop, tmp_path: Path, pictures: str, requested: list[str]
) -> None:
    requested.clear()
    app = shop()
    addresses = [
        ("https://cdn.example.com/a.jpg?v=1", "A"),
        ("https://cdn.example.com/b.jpg", ""),
        ("https://IMAGES.example.org:8443/c.jpg", ""),
        (f"{pictures}/portrait.jpg", ""),
        ("https://evil.example,script-src/a.jpg", ""),
    ]
    summary = import_products(app, tmp_path / "a.csv", addresses, "--link-pictures")

    assert "Pictures linked from their original servers: 3." in summary
    client = app.test_client()
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "img-src 'self' data: https://cdn.example.com https://images.example.org:8443;" in policy
    assert stage(client, 0) == {"src": "https://cdn.example.com/a.jpg?v=1", "alt": "A"}
    assert "/drawings/" in stage(client, 3)["src"]
    assert "/drawings/" in stage(client, 4)["src"]
    assert requested == []
    feed = json.loads(client.get("/feeds/catalog.json").data)
    assert feed[0]["image_link"] == "https://cdn.example.com/a.jpg?v=1"


@pytest.mark.parametrize(
    ("name", "color"),
    [
        ("16-bit.png", (128, 128, 128)),
        ("profile.jpg", (0, 255, 0)),
        ("damaged-profile.jpg", (255, 0, 0)),
    ],
)
def test_copies_have_the_same_colors(
    shop: MakeShop, tmp_path: Path, pictures: str, name: str, color: tuple[int, ...]
) -> None:
    client = shop().test_client()
    import_products(client.application, tmp_path / "a.csv", [(f"{pictures}/{name}", "")])

    reply = client.get(stage(client, 0)["src"], buffered=True)
    with Image.open(io.BytesIO(reply.data)) as copy:
        assert copy.convert("RGB").getpixel((9, 9)) == pytest.approx(color, abs=6)


def test_malformed_addresses_and_positions_break_no_page(shop: MakeShop, tmp_path: Path) -> None:
    app = shop()
    file = tmp_path / "a.csv"
    file.write_text(
        "Handle,Title,Variant SKU,Variant Price,Image Src,Image Position\n"
        f"..,Cap,CAP,9,https://[abc/x.jpg,{'1' * 5000}\n"
        f"hat,Hat,HAT,9,https://cdn.example.com/x.jpg,{'1' * 5000}\n"
        "mug,Mug,MUG,9,mug.jpg,1\n",
        encoding="utf-8",
    )
    with app.app_context():
        result = app.test_cli_runner().invoke(
            args=["storefront", "import-catalog", str(file), "--link-pictures"]
        )

    assert "Pictures linked from their original servers: 1." in result.stdout, result.output
    assert "Left out: 2 pictures without a full URL" in result.stdout
    client = app.test_client()
    for path in ("/", "/products/cap", "/products/hat", "/feeds/catalog.json"):
        assert client.get(path).status_code == 200


def test_products_are_kept_if_the_database_fails_during_pictures(
    shop: MakeShop, tmp_path: Path, pictures: str
) -> None:
    app = shop()
    file = tmp_path / "a.csv"
    file.write_text(f"title,price,picture\nCup,1,{pictures}/square.png\n", encoding="utf-8")

    def fail(*arguments: Any) -> None:
        if arguments[2].startswith("UPDATE shop_product"):
            raise sqlite3.OperationalError("database or disk is full")

    with app.app_context():
        sa.event.listen(db.engine, "before_cursor_execute", fail)
        result = app.test_cli_runner().invoke(args=["storefront", "import-catalog", str(file)])
        sa.event.remove(db.engine, "before_cursor_execute", fail)

    assert result.exit_code == 1
    assert "The products were imported, but some pictures are missing: the data" in result.stderr
    assert Page(app.test_client(), "/products/cup").text


def test_variants_have_their_own_pictures(shop: MakeShop, tmp_path: Path, pictures: str) -> None:
    app = shop()
    file = tmp_path / "a.csv"
    file.write_text(
        "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src,"
        "Image Position,Image Alt Text,Variant Image\n"
        f"cap,Cap,Colour,Red,C-R,9,{pictures}/portrait.jpg,1,All caps,\n"
        f"cap,,,Blue,C-B,9,{pictures}/square.png,2,A blue cap,{pictures}/square.png\n"
        f"cap,,,,,,{pictures}/wide.webp,3,Another,\n",
        encoding="utf-8",
    )
    with app.app_context():
        result = app.test_cli_runner().invoke(args=["storefront", "import-catalog", str(file)])

    assert "Pictures copied to instance/pictures: 2." in result.stdout, result.output
    client = app.test_client()
    for sku, alt in (("C-R", "All caps"), ("C-B", "A blue cap")):
        assert f'alt="{alt}"' in Page(client, f"/products/cap?variant={sku}").html
    images = [item["image_link"] for item in json.loads(client.get("/feeds/catalog.json").data)]
    assert len(set(images)) == 2
