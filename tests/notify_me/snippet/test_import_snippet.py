"""Klaviyo's script becomes settings and a report; `flask notify-me import-snippet`."""

from __future__ import annotations

import importlib
import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from notify_me.settings import read_settings
from notify_me.snippet.convert import read_snippet
from notify_me.snippet.errors import SnippetError
from notify_me.snippet.javascript import MAX_BYTES
from notify_me.snippet.output import as_toml, report

SNIPPETS = Path(__file__).with_name("snippets")
SEPARATOR = "\n---- report ----\n\n"
READABLE = sorted(
    path.name
    for path in SNIPPETS.iterdir()
    if path.suffix in {".html", ".js", ".liquid", ".md", ".php"} and path.name != "broken.html"
)
ENABLE = 'klaviyo.enable("backinstock", {%s});'


@pytest.mark.parametrize("name", READABLE)
def test_snippet_gives_its_golden_file(name: str, tmp_path: Path) -> None:
    """Update the golden file with `UPDATE_GOLDEN=1 pytest tests/notify_me/snippet`."""
    imported = read_snippet((SNIPPETS / name).read_text(encoding="utf-8"))
    toml = as_toml(imported)
    golden = SNIPPETS / f"{name}.golden"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(toml + SEPARATOR + report(imported), encoding="utf-8")

    assert toml + SEPARATOR + report(imported) == golden.read_text(encoding="utf-8")
    assert tomllib.loads(toml) == imported.settings
    file = tmp_path / "notify_me.toml"
    file.write_text(toml, encoding="utf-8")
    read_settings(file)


@pytest.mark.parametrize(
    ("options", "kind", "reason"),
    [
        ("modal: {headline: '  '}", "no_effect", "keeps its default"),
        ("trigger: {product_page_width: 'auto'}", "no_effect", "keeps its default"),
        ("modal: {text_color: 'brand'}", "not_supported", "[modal] text_color: must be a colour"),
        ("modal: {text_color: 'url(javascript:x)'}", "not_supported", "must be a colour"),
        ("modal: {text_color: '#222 !important;'}", "changed", "rest of the CSS declaration"),
        ("modal: {font_family: 'Inter;'}", "changed", "rest of the CSS declaration"),
        ("modal: {z_index: -1}", "not_supported", "must be a whole number from 0"),
        ("modal: {z_index: true}", "not_supported", "must be a whole number"),
        ("modal: {z_index: 1e999}", "not_supported", "must be a whole number"),
        ("modal: {z_index: x()}", "not_supported", "the value is not a literal"),
        ("modal: {headline: '<b>Soon</b>'}", "changed", "without its HTML tags"),
        ("modal: {hedline: 'Soon'}", "not_supported", "did you mean modal.headline?"),
        ("modal: 'Soon'", "not_supported", "must be an object"),
        (
            "modal: {additional_styles: '@import \"//fonts.example.com/x.css\"; p { color: red }'}",
            "not_supported",
            "a web font from fonts.example.com",
        ),
        (
            "modal: {additional_styles: '@import url(http://[?family=A); @import \"?families=B\"'}",
            "not_supported",
            "a web font from another file",
        ),
        (
            "modal: {footer_content: '<p>By <b>us</b><img src=x></p>'}",
            "changed",
            "the form leaves out <img>",
        ),
        ("trigger: {product_page_class: '.btn'}", "not_supported", "must be class names"),
        ("trigger: {alternate_anchor: '#buy'}", "not_supported", "without the #"),
        (f"trigger: {{product_page_text: '{'x' * 90}'}}", "not_supported", "80 characters"),
        ("exclude_on_tags: ['sale']", "not_supported", "the value is not a literal"),
        ("is_allow_for_preorder: 'no'", "changed", "treats 'no' as true"),
        ("account: 'pk_0123456789abcdef'", "not_supported", "it is a private key"),
        ("account: 'PUBLIC_API_KEY'", "not_supported", "set KLAVIYO_PUBLIC_KEY"),
        ("platform: 'shopify'", "not_supported", 'integration = "$shopify"'),
        (
            "list: 'abc', modal: {newsletter_subscribe_label: 'From {shop}'}",
            "not_supported",
            "unknown placeholder {shop}",
        ),
        ("modal: {newsletter_subscribe_label: 'News'}", "no_effect", "only if list is set"),
        ("list: 'abc', modal: {subscribe_checked: true}", "changed", "always unticked at first"),
    ],
)
def test_option_that_is_not_imported_as_it_is(
    options: str, kind: str, reason: str, tmp_path: Path
) -> None:
    imported = read_snippet(ENABLE % options)

    assert [note for note in imported.notes if note.kind == kind and reason in note.reason]
    assert "pk_0123" not in as_toml(imported) + report(imported)
    file = tmp_path / "notify_me.toml"
    file.write_text(as_toml(imported), encoding="utf-8")
    read_settings(file)


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (r"'it\'s'", "it's"),
        (r'"a\n\t\x41\u{1F600}\ud83d\ude00"', "a\n\tA\N{GRINNING FACE}\N{GRINNING FACE}"),
        (r"'half \ud83d'", "half \N{REPLACEMENT CHARACTER}"),
        ("'a\\\nb'", "ab"),
        ("`two\nlines`", "two\nlines"),
        ("(('x'))", "x"),
        ("'</b>'", "</b>"),
    ],
)
def test_strings_are_read_as_in_javascript(code: str, value: str) -> None:
    imported = read_snippet(ENABLE % f"modal: {{footer_content: {code}}}")

    assert imported.settings["modal"] == {"footer_content": value}


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "<h3 style='color: red'>Sold&nbsp;out<br>for now &amp; back soon</h3>",
            "Sold out for now & back soon",
        ),
        ("{product_name} <script>track()</script>", "{product_name}"),
        ("Fewer than 3 < 4", "Fewer than 3 < 4"),
    ],
)
def test_html_is_removed_from_text(code: str, text: str) -> None:
    imported = read_snippet(ENABLE % f'modal: {{headline: "{code}"}}')

    assert imported.settings["modal"] == {"headline": text}


@pytest.mark.parametrize(
    "text",
    [
        "trigger: {product_page_text: 'Soon'},\nmodal: {close_label: \"Exit\"},",
        '{"trigger": {"product_page_text": "Soon"}, "modal": {"close_label": "Exit"}}',
        "product_page_text: 'Soon',\nclose_label: 'Exit'",
        "const options = {trigger: {product_page_text: 'Soon'}, modal: {close_label: 'Exit'}};",
        "var a = {product_page_text: 'Soon'}, b = {trigger: a,\n"
        "modal: {close_label: 'Ex' + 'it'}};\n"
        "klaviyo.enable('backinstock', b);",
        "It's easy:\n\n```js\ntrigger: {\n  product_page_text: 'Soon',\n  ...\n},\n"
        "modal: {close_label: 'Exit'}\n```\nDon't forget to save.",
        "Don't worry:\n\n    klaviyo.enable('backinstock', {trigger: {product_page_text: 'Soon'},\n"
        "    modal: {close_label: 'Exit'}});\n\nThat's it!",
        "trigger: {\n  product\\_page\\_text: 'Soon'\n},\nmodal: {close\\_label: 'Exit'}",
        "&lt;script&gt;klaviyo.enable(&quot;backinstock&quot;, {trigger: {product_page_text: "
        "&#39;Soon&#39;}, modal: {close_label: &#39;Exit&#39;}})&lt;/script&gt;",
        "<p>It's easy</p><pre><code>trigger: {product_page_text: &#39;Soon&#39;},"
        " <b>modal</b>: {close_label: 'Exit'}</code></pre>",
        "<p>trigger: {<br>product_page_text: 'Soon'<br>},<br>modal: {close_label: 'Exit'}</p>",
        "> trigger: {\n>   product_page_text: 'Soon'\n> },\n> modal: {close_label: 'Exit'}",
        "- `trigger: {product_page_text: 'Soon'}`\n- `modal: {close_label: 'Exit'}`",
        "klaviyo.enable(“backinstock”, {trigger: {product_page_text: “Soon”},\n"
        "modal: {close_label: ‘Exit’}});",
    ],
    ids=[
        "options", "JSON", "options without sections", "variable", "variables in a call",
        "Markdown", "call among sentences", "Markdown source", "HTML source", "code block",
        "line breaks", "quotation", "code in a list", "typographic quotes",
    ],
)  # fmt: skip
def test_options_are_found_wherever_they_were_copied_from(text: str) -> None:
    settings = read_snippet(text).settings

    assert settings["button"]["label"] == "Soon"
    assert settings["modal"] == {"close_label": "Exit"}


def test_bare_options_set_nothing_else() -> None:
    assert read_snippet("modal: {close_label: 'Exit'}").settings == {
        "modal": {"close_label": "Exit"}
    }


def test_options_that_a_snippet_leaves_out_have_the_scripts_defaults() -> None:
    imported = read_snippet(
        'klaviyo.enable("backinstock", {trigger: {product_page_class: "link"}})'
    )

    assert imported.settings == {
        "button": {
            "product_page_class": "link",
            "product_page_text_align": "center",
            "collection_page_class": "btn",
            "collection_page_text_align": "center",
            "collection_page_width": "200px",
            "display": "NEXT_TO",
        }
    }
    assert "the default of Klaviyo's script" in report(imported)


def test_scripts_on_one_line_are_read_separately() -> None:
    text = "<script>first()</script><script>klaviyo.init({exclude_on_tags: 'sale'})</script>"

    assert read_snippet(text).settings["trigger"] == {"tag_blocklist": ["sale"]}


@pytest.mark.parametrize(("code", "value"), [("1e3", 1000), ("12.0", 12), ("'12'", 12)])
def test_whole_numbers(code: str, value: int) -> None:
    imported = read_snippet(ENABLE % f"modal: {{z_index: {code}}}")

    assert imported.settings["modal"] == {"z_index": value}


def test_enable_overrides_init_and_replaces_its_sections() -> None:
    imported = read_snippet(
        "klaviyo.init({exclude_on_tags: 'a', modal: {headline: 'A', close_label: 'B'}});\n"
        + ENABLE % "exclude_on_tags: 'b', modal: {headline: 'C'}"
    )

    assert imported.settings["modal"] == {"headline": "C"}
    assert imported.settings["trigger"] == {"tag_blocklist": ["b"]}
    [note] = [note for note in imported.notes if note.option == "modal.close_label"]
    assert (note.kind, note.line) == ("no_effect", 1)


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
def test_display_follows_klaviyos_default_unless_it_is_unclear(
    trigger: str, display: str | None
) -> None:
    settings = read_snippet(ENABLE % f"trigger: {{{trigger}}}").settings

    assert settings.get("button", {}).get("display") == display


@pytest.mark.parametrize("value", ["'a\\n[button]\\nx = 1'", "'a\\x1b[31m\\u2028b'", '\'"""\''])
def test_text_cannot_break_out_of_the_toml_or_the_report(value: str) -> None:
    imported = read_snippet(
        f"klaviyo.init({{account: {value}, platform: {value}, {value}: 1}});"
        + ENABLE % f"modal: {{headline: {value}, font_family: {value} + x}}"
    )

    assert tomllib.loads(as_toml(imported)) == imported.settings
    assert "\x1b" not in as_toml(imported) + report(imported)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ((SNIPPETS / "broken.html").read_text(encoding="utf-8"), "Line 7 is not valid JavaScript"),
        ("klaviyo.init({\n  a: 'it's'\n});", "Line 2 is not valid JavaScript"),
        ("<p>é</p>\n<script>klaviyo.init({a: 1 b: 2})</script>", "Line 2 is not valid JavaScript"),
        ("klaviyo.init({a: 1", "is not valid JavaScript"),
        ("", "neither klaviyo.init"),
        ("<script>var klaviyo = [];</script>", "neither klaviyo.init"),
        ("// klaviyo.init({a: 1})", "neither klaviyo.init"),
        ("trigger: {\n  product_page_class: 'button'", "Line 2 is not valid JavaScript"),
        ("/* modal: {headline: 'Soon'} */", "neither klaviyo.init"),
        (
            "modal: {headline: 'A'}\nmodal: {headline: 'B'}",
            "several sets of options, on lines 1, 2",
        ),
        ("modal: {\n  z_index: 1\n  close_label: 'B'\n}", "Line 2 is not valid JavaScript"),
        ("<!-- <script>klaviyo.init({a: 1})</script> -->", "neither klaviyo.init"),
        ("{% comment %}klaviyo.init({a: 1}){% endcomment %}", "neither klaviyo.init"),
        ("other.init({a: 'klaviyo.init'})", "neither klaviyo.init"),
        (" " * (MAX_BYTES + 1), "200,001 bytes; the limit is 200,000"),
        (f"klaviyo.init({{a: {'[' * 5000}", "is not valid JavaScript"),
        ("klaviyo.init({" + "".join(f"k{n}: 1, " for n in range(201)) + "});", "200 options"),
        (f"klaviyo.init({'{a:' * 5000}1{'}' * 5000});", "nested too deeply"),
    ],
)
def test_file_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(SnippetError) as error:
        read_snippet(text)

    assert message in str(error.value)


@pytest.fixture
def run(app: Flask) -> Callable[..., Result]:
    """Return a function that runs the command."""

    def command(*arguments: str, **options: Any) -> Result:
        return app.test_cli_runner().invoke(
            args=["notify-me", "import-snippet", *arguments], **options
        )

    return command


def test_command_prints_toml_to_stdout_and_the_report_to_stderr(run: Callable[..., Result]) -> None:
    result = run(str(SNIPPETS / "theme.liquid"))

    assert result.exit_code == 0
    golden = (SNIPPETS / "theme.liquid.golden").read_text(encoding="utf-8")
    assert (result.stdout, result.stderr) == tuple(golden.split(SEPARATOR))


def test_output_file_is_only_overwritten_with_force(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    snippet, output = str(SNIPPETS / "help_centre.html"), tmp_path / "new.toml"
    result = run(snippet, "--output", str(output))
    assert (result.exit_code, result.stdout) == (0, "")
    assert tomllib.loads(output.read_text(encoding="utf-8"))["button"]["display"] == "NEXT_TO"

    output.write_text("mine", encoding="utf-8")
    result = run(snippet, "--output", str(output))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "already exists: use --force to overwrite it" in result.stderr
    assert output.read_text(encoding="utf-8") == "mine"

    assert run(snippet, "--output", str(output), "--force").exit_code == 0
    assert output.read_text(encoding="utf-8") != "mine"


def test_invalid_snippet_is_an_error_and_nothing_is_written(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    output = tmp_path / "new.toml"
    result = run(str(SNIPPETS / "broken.html"), "--output", str(output))

    assert (result.exit_code, result.stdout) == (2, "")
    assert "broken.html: Line 7 is not valid JavaScript" in result.stderr
    assert not output.exists()


@pytest.mark.parametrize(
    ("content", "exit_code"),
    [
        (b"\xff\xfe\x00", 2),
        (b" " * (MAX_BYTES + 1), 2),
        (b"\xef\xbb\xbf" + (ENABLE % "").encode(), 0),
        ((ENABLE % "modal: {headline: '\xe9'}").encode("cp1252"), 0),
    ],
    ids=["binary", "too long", "byte order mark", "Windows encoding"],
)
def test_encodings(
    run: Callable[..., Result], tmp_path: Path, content: bytes, exit_code: int
) -> None:
    file = tmp_path / "theme.html"
    file.write_bytes(content)

    result = run(str(file))

    assert result.exit_code == exit_code
    assert exit_code == 0 or "Error: " in result.stderr


def test_standard_input_is_read(run: Callable[..., Result]) -> None:
    result = run("-", input=ENABLE % "modal: {headline: 'Soon'}")

    assert tomllib.loads(result.stdout)["modal"] == {"headline": "Soon"}


def test_missing_file_and_missing_output_folder(run: Callable[..., Result], tmp_path: Path) -> None:
    assert run(str(tmp_path / "none.html")).exit_code == 2
    result = run(str(SNIPPETS / "help_centre.html"), "--output", str(tmp_path / "none" / "x.toml"))
    assert result.exit_code == 2
    assert "can't be written" in result.stderr


def test_missing_libraries_are_an_error_with_the_command_to_install_them(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def import_module(name: str, package: str | None = None) -> Any:
        if name.startswith(("tree_sitter", "tomlkit")):
            raise ModuleNotFoundError(name)
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", import_module)

    result = run(str(SNIPPETS / "help_centre.html"))

    assert result.exit_code == 2
    assert 'run pip install "restock-kit[import]"' in result.stderr


@pytest.mark.slow
def test_parsing_stops_after_a_timeout() -> None:
    with pytest.raises(SnippetError, match="takes more than 3 seconds to parse"):
        read_snippet(f"klaviyo.init({{account: {'/[' * 75_000}}});")
