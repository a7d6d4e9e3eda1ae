"""`flask notify-me import-snippet`: TOML that the shop starts with, and a report."""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from notify_me.settings import read_settings
from notify_me.snippet import as_toml, read_snippet

SNIPPETS = Path(__file__).with_name("snippets")
GOLDEN = sorted(SNIPPETS.glob("*.golden"))
ENABLE = 'klaviyo.enable("backinstock", {%s});'


@pytest.fixture
def run(app: Flask) -> Callable[..., Result]:
    """Runs the command."""

    def command(*arguments: str, **options: Any) -> Result:
        return app.test_cli_runner().invoke(
            args=["notify-me", "import-snippet", *arguments], **options
        )

    return command


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.name)
def test_a_shop_starts_with_what_was_imported(
    make_app: Callable[..., Flask], golden: Path, tmp_path: Path
) -> None:
    """Whatever the snippet says: what settings don't take is in the report instead."""
    file = tmp_path / "notify_me.toml"
    file.write_text(golden.read_text(encoding="utf-8").partition("\n---- report")[0], "utf-8")

    read_settings(file)
    make_app(NOTIFY_ME_CONFIG=str(file))


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("modal: {email_field_label: ''}", "not_supported", "it is empty"),
        ("modal: {headline: '  '}", "not_supported", "it is empty"),
        ("modal: {text_color: 'brand'}", "not_supported", "[modal] text_color: must be a colour"),
        ("modal: {text_color: 'red/*x*/'}", "changed", "belongs to a style sheet"),
        ("modal: {text_color: '#222 !important;'}", "changed", "belongs to a style sheet"),
        ("modal: {text_color: 'url(javascript:x)'}", "not_supported", "must be a colour"),
        ("modal: {font_family: 'Inter;'}", "changed", "belongs to a style sheet"),
        ("modal: {z_index: -1}", "not_supported", "must be a whole number from 0"),
        ("trigger: {product_page_class: '.btn'}", "not_supported", "must be class names"),
        ("trigger: {product_page_width: 'auto'}", "not_supported", "fitToText"),
        ("trigger: {product_page_margin: '-4px'}", "not_supported", "lengths from 0 to 10000"),
        ("trigger: {product_page_text_align: 'justify'}", "not_supported", "'left', 'center'"),
        ("trigger: {alternate_anchor: '#buy'}", "not_supported", "without #"),
        (f"trigger: {{product_page_text: '{'x' * 90}'}}", "not_supported", "80 characters"),
        (
            "list: 'abc', modal: {newsletter_subscribe_label: 'From {shop}'}",
            "not_supported",
            "unknown placeholder {shop}",
        ),
        ("list: 'abc', modal: {newsletter_subscribe_label: ''}", "not_supported", "it is empty"),
    ],
)
def test_what_settings_do_not_take_is_told(
    code: str, kind: str, words: str, tmp_path: Path
) -> None:
    """And what is left can be read."""
    imported = read_snippet(ENABLE % code)
    file = tmp_path / "notify_me.toml"
    file.write_text(as_toml(imported), encoding="utf-8")

    read_settings(file)
    assert [note for note in imported.notes if note.kind == kind and words in note.reason]


def test_toml_goes_out_and_the_report_beside_it(run: Callable[..., Result]) -> None:
    """So that `> notify_me.toml` gives a file."""
    told = run(str(SNIPPETS / "theme.liquid"))

    assert told.exit_code == 0
    golden = (SNIPPETS / "theme.liquid.golden").read_text(encoding="utf-8")
    toml, _, report = golden.partition("\n---- report ----\n\n")
    assert told.stdout == toml
    assert told.stderr == report


def test_a_file_may_be_named_and_is_not_written_over(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    """A merchant's settings are worth a question."""
    out = tmp_path / "new.toml"
    told = run(str(SNIPPETS / "help_centre.html"), "--output", str(out))

    assert (told.exit_code, told.stdout) == (0, "")
    assert "Came over" in told.stderr
    assert tomllib.loads(out.read_text(encoding="utf-8"))["button"]["display"] == "NEXT_TO"

    out.write_text("mine", encoding="utf-8")
    told = run(str(SNIPPETS / "help_centre.html"), "--output", str(out))
    assert (told.exit_code, told.stdout) == (2, "")
    assert "already exists: --force overwrites it" in told.stderr
    assert out.read_text(encoding="utf-8") == "mine"

    told = run(str(SNIPPETS / "help_centre.html"), "--output", str(out), "--force")
    assert told.exit_code == 0
    assert out.read_text(encoding="utf-8") != "mine"


def test_a_broken_snippet_is_refused_with_its_place(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    """And nothing is written."""
    out = tmp_path / "new.toml"
    told = run(str(SNIPPETS / "broken.html"), "--output", str(out))

    assert (told.exit_code, told.stdout) == (2, "")
    assert "broken.html: Line 7, column 26 is not valid JavaScript" in told.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (b"", 2),
        (b"\xff\xfe\x00", 2),
        (b" " * 200_001, 2),
        (b"\xef\xbb\xbf" + (ENABLE % "").encode(), 0),
        ((ENABLE % "modal: {headline: '\xe9'}").encode("cp1252"), 0),
    ],
    ids=["empty", "binary", "too long", "a mark at the start", "of old Windows"],
)
def test_any_file_ends_in_a_sentence(
    run: Callable[..., Result], tmp_path: Path, written: bytes, code: int
) -> None:
    """Never in a traceback."""
    file = tmp_path / "theme.html"
    file.write_bytes(written)

    told = run(str(file))

    assert told.exit_code == code
    assert code == 0 or "Error: " in told.stderr


def test_standard_input_is_read(run: Callable[..., Result]) -> None:
    """For what is pasted."""
    told = run("-", input=ENABLE % "modal: {headline: 'Soon'}")

    assert tomllib.loads(told.stdout)["modal"] == {"headline": "Soon"}


def test_a_missing_file_and_a_missing_folder(run: Callable[..., Result], tmp_path: Path) -> None:
    """Both are told."""
    assert run(str(tmp_path / "none.html")).exit_code == 2
    told = run(str(SNIPPETS / "help_centre.html"), "--output", str(tmp_path / "none" / "x.toml"))
    assert told.exit_code == 2
    assert "can't be written" in told.stderr


def test_without_the_extra_the_command_says_how_to_install_it(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is there, its libraries may not be."""
    found = importlib.import_module

    def missing(name: str, package: str | None = None) -> Any:
        if name.startswith(("tree_sitter", "tomlkit")):
            raise ModuleNotFoundError(name)
        return found(name, package)

    monkeypatch.setattr(importlib, "import_module", missing)

    told = run(str(SNIPPETS / "help_centre.html"))

    assert told.exit_code == 2
    assert "run pip install restock-kit[import]" in told.stderr
