"""Klaviyo's old snippets in, settings and a report out: golden files; and what is refused."""

from __future__ import annotations

import importlib
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from notify_me.snippet import (
    Imported,
    MissingExtraError,
    SnippetError,
    as_toml,
    read_snippet,
    report,
)

SNIPPETS = Path(__file__).with_name("snippets")
CUT = "\n---- report ----\n\n"
READABLE = sorted(
    path.name
    for path in SNIPPETS.iterdir()
    if path.suffix in {".html", ".js", ".liquid"} and path.name != "broken.html"
)
ENABLE = 'klaviyo.enable("backinstock", {%s});'


def reasons(imported: Imported, option: str) -> list[tuple[str, str]]:
    """Kind and reason of the notes on one option."""
    return [(note.kind, note.reason) for note in imported.notes if note.option == option]


def modal(code: str) -> dict[str, Any]:
    """The settings of [modal] for the inside of `modal: {…}`."""
    return read_snippet(ENABLE % f"modal: {{{code}}}").settings.get("modal", {})


@pytest.mark.parametrize("name", READABLE)
def test_a_snippet_gives_what_its_golden_file_says(name: str) -> None:
    """Renew with `UPDATE_GOLDEN=1 pytest tests/notify_me/snippet/test_snippet.py`."""
    imported = read_snippet((SNIPPETS / name).read_text(encoding="utf-8"))
    document = as_toml(imported)
    golden = SNIPPETS / f"{name}.golden"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(document + CUT + report(imported), encoding="utf-8")

    assert document + CUT + report(imported) == golden.read_text(encoding="utf-8")
    assert tomllib.loads(document) == imported.settings


def test_there_are_enough_snippets() -> None:
    """Five or more, so that a lost folder is seen."""
    assert len(READABLE) >= 5


def test_a_broken_snippet_is_refused_with_its_line() -> None:
    """A comma is missing after the text in line 7."""
    with pytest.raises(SnippetError, match='a bracket missing near "Notify me"') as caught:
        read_snippet((SNIPPETS / "broken.html").read_text(encoding="utf-8"))

    assert str(caught.value).startswith("Line 7, column 26 is not valid JavaScript")
    assert (caught.value.line, caught.value.column) == (7, 26)


@pytest.mark.parametrize(
    ("code", "line", "column"),
    [
        ("klaviyo.init({\n  a: 1\n", 2, 6),
        ("klaviyo.init({\n  a: 1);", 2, 7),
        ("klaviyo.init({a: 'it's'});", 1, 22),
        ("klaviyo.init({a: 'x\n});", 1, 20),
        ("klaviyo.init({a: 1});\n  });", 2, 3),
        ("klaviyo.init({a: '\\u12'});", 1, 19),
        ("<p>é</p><script>klaviyo.init({a: 1 b: 2})</script>", 1, 36),
        ("<script>\nklaviyo.init({a: '</script>'});\n</script>", 2, 18),
        ("klaviyo.init({a: 1});\0", 1, 22),
    ],
)
def test_the_line_and_column_of_an_error(code: str, line: int, column: int) -> None:
    """Both count from 1, in the file as given."""
    with pytest.raises(SnippetError, match="is not valid JavaScript") as caught:
        read_snippet(code)

    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "console.log('hello')",
        "<script>var klaviyo = [];</script>",
        "// klaviyo.init({a: 1})",
        "<!-- <script>klaviyo.init({a: 1})</script> -->",
        "{% comment %}klaviyo.init({a: 1}){% endcomment %}",
        "other.init({a: 'klaviyo.init'})",
        "if (klaviyo.init) klaviyo.enable('reviews', {});",
        "klaviyo.logging(true)",
    ],
)
def test_a_file_without_the_calls_is_refused(text: str) -> None:
    """What stands in comments and texts is no call."""
    with pytest.raises(SnippetError, match=r"neither klaviyo\.init"):
        read_snippet(text)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (r"'it\'s'", "it's"),
        (r'"a\n\t\x41\u{1F600}\ud83d\ude00\0"', "a\n\tA\N{GRINNING FACE}\N{GRINNING FACE}\0"),
        (r"'half \ud83d'", "half \N{REPLACEMENT CHARACTER}"),
        ("'a\\\nb'", "ab"),
        ("`two\nlines`", "two\nlines"),
        ("'a' + \"b\" + `c` + 1", "abc1"),
        ("1 + 2 + 'px'", "3px"),
        ("(('x'))", "x"),
        ("-1.50", "-1.5"),
        ("'</script>'", "</script>"),
    ],
)
def test_literals_are_read_as_javascript_reads_them(code: str, value: str) -> None:
    """Texts of every kind."""
    assert modal(f"body_content: {code}") == {"body_content": value}


@pytest.mark.parametrize(
    ("code", "value"),
    [("0x10", 16), ("1_000", 1000), ("1e3", 1000), ("010", 8), ("'12'", 12), ("7n", 7)],
)
def test_whole_numbers(code: str, value: int) -> None:
    """Numbers of every kind."""
    assert modal(f"z_index: {code}") == {"z_index": value}


@pytest.mark.parametrize("code", ["1e999", "-1", "0.5", "'auto'", "true", "[1]", "{}", "x", "x()"])
def test_what_is_no_whole_number_is_listed(code: str) -> None:
    """As not supported, and out of the settings."""
    imported = read_snippet(ENABLE % f"modal: {{z_index: {code}}}")

    assert "modal" not in imported.settings
    assert [kind for kind, _ in reasons(imported, "modal.z_index")] == ["not_supported"]


def test_enable_counts_over_init_and_its_sections_replace_those_of_init() -> None:
    """As in Klaviyo's script."""
    imported = read_snippet(
        "klaviyo.init({exclude_on_tags: 'a', modal: {headline: 'A', close_label: 'B'}});\n"
        + ENABLE % "exclude_on_tags: 'b', modal: {headline: 'C'}"
    )

    assert imported.settings["modal"] == {"headline": "C"}
    assert imported.settings["trigger"] == {"tag_blocklist": ["b"]}
    reason = "the modal in enable replaces the one in init as a whole"
    assert reasons(imported, "modal.close_label") == [("no_effect", reason)]


@pytest.mark.parametrize(
    ("trigger", "display"),
    [
        ("", "NEXT_TO"),
        ("replace_anchor: false", "NEXT_TO"),
        ("replace_anchor: true", "REPLACE"),
        ("replace_anchor: false, replace_sold_out: true", "REPLACE"),
        ("replace_anchor: wide", None),
        ("...others", None),
    ],
)
def test_where_the_button_stands(trigger: str, display: str | None) -> None:
    """Klaviyo's default isn't ours, so it is written out unless it can't be known."""
    settings = read_snippet(ENABLE % f"trigger: {{{trigger}}}").settings

    assert settings.get("button", {}).get("display") == display


def test_a_private_key_is_told_and_never_shown() -> None:
    """It came into a public page by mistake."""
    imported = read_snippet("klaviyo.init({account: 'pk_0123456789abcdef'});")

    assert imported.environment == {}
    assert "private key" in report(imported)
    assert "pk_0123" not in as_toml(imported) + report(imported)


@pytest.mark.parametrize("value", ["'a\\n[button]\\nx = 1'", "'a\\x1b[31m\\u2028b'", '\'"""\''])
def test_no_text_breaks_out_of_the_toml_or_the_report(value: str) -> None:
    """Line ends, escapes and quotes stay inside."""
    imported = read_snippet(
        f"klaviyo.init({{account: {value}, platform: {value}, [{value}]: 1}});"
        + ENABLE % f"modal: {{headline: {value}, {'font_family'}: {value} + x}}"
    )

    assert tomllib.loads(as_toml(imported)) == imported.settings
    assert "\x1b" not in as_toml(imported) + report(imported)


CALL = "klaviyo.init({account: %s});"
HOSTILE = {
    "brackets": "[" * 150_000,
    "slashes": "/[" * 75_000,
    "objects": "{a:" * 10_000 + "1" + "}" * 10_000,
    "a sum": "'a'+" * 40_000 + "'a'",
    "keys": "{" + "".join(f"k{n}:1," for n in range(15_000)) + "}",
    "a big number": "9" * 150_000,
    "tags": "{%" * 75_000,
    "comments": "{% comment %}" * 11_000,
    "scripts": "</script><script>" * 8_000,
    "starts of tags": "<a " * 50_000,
    "starts of comments": "<!--" * 35_000,
    "outputs": "{" + "a:{{x}}," * 18_000 + "}",
    "half a character": "'\ud800'",
    "too much": " " * 200_000,
    "calls": "1});klaviyo.init({a:" * 7_000 + "1",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("form", [CALL, f"<script>{CALL}</script>"])
def test_hostile_input_ends(name: str, form: str) -> None:
    """With a result or an error of ours, whatever it is; a slow way through would take hours."""
    try:
        imported = read_snippet(form % HOSTILE[name])
    except SnippetError as error:
        message = str(error)
    else:
        assert tomllib.loads(as_toml(imported)) == imported.settings
        message = report(imported)
    assert 0 < len(message) < 20_000
    if name == "slashes":
        assert message.startswith("The file takes more than 3 seconds to read")


def test_without_the_extra_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The libraries are loaded when they are used, so the kit starts without them."""
    found = importlib.import_module

    def missing(name: str, package: str | None = None) -> Any:
        if name.startswith("tree_sitter"):
            raise ModuleNotFoundError(name)
        return found(name, package)

    monkeypatch.setattr(importlib, "import_module", missing)

    with pytest.raises(MissingExtraError, match=r"run pip install restock-kit\[import\]"):
        read_snippet("klaviyo.init({})")


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("#000", "rgb(0 0 0 / 50%)"),
        ("teal", "rgb(0 128 128 / 50%)"),
        ("rgba(0, 0, 0, .4)", "rgba(0, 0, 0, .4)"),
        ("transparent", "transparent"),
    ],
)
def test_what_covers_the_page_never_hides_it(given: str, taken: str) -> None:
    """Klaviyo's script draws it half see-through: an opaque one is changed, and that is told."""
    code = f'drop_background_color: "{given}"'
    assert modal(code)["drop_background_color"] == taken
    [(kind, _)] = reasons(
        read_snippet(ENABLE % f"modal: {{{code}}}"), "modal.drop_background_color"
    )
    assert kind == ("changed" if taken != given else "no_effect")
