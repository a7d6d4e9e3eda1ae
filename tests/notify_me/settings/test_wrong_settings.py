"""What each of many wrong settings files is told: a golden file, for a person to read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from notify_me import SettingsError

GOLDEN = Path(__file__).with_name("wrong_settings.md")
HEAD = """\
# What a wrong settings file is told

Each file stops the start with the words below it. Renew with
`UPDATE_GOLDEN=1 pytest tests/notify_me/settings/test_wrong_settings.py`.
"""
WRONG: dict[str, str | bytes] = {
    "a slip in a key": '[button]\nlable = "Tell me"',
    "a slip in a table": '[buton]\nlabel = "Tell me"',
    "a key that is like none": '[button]\nlabel = "Tell me"\ntooltip = "zzz"',
    "a table that is like none": "[qqqq]\nx = 1",
    "the right key in the wrong table": '[button]\ntag_allowlist = ["sale"]',
    "a key outside of its table": 'label = "Tell me"\n\n[button]\ndisplay = "REPLACE"',
    "a nested key written with an underscore": "[button.button_styles]\nborder_color = 'red'",
    "the key of Klaviyo's older script": '[modal]\nbody = "Soon!"',
    "Klaviyo's own nesting": '[button.data]\nlabel = "Tell me"',
    "a number for text": "[button]\nlabel = 5",
    "true for text": "[modal]\nheadline = true",
    "a list for text": '[button]\nlabel = ["Tell me"]',
    "a date for text": "[button]\nlabel = 2026-11-25",
    "text for a table": 'button = "Tell me"',
    "a list of tables for a table": '[[button]]\nlabel = "Tell me"',
    "an empty label": '# The shop.\n\n[button]\nlabel = ""',
    "a label of spaces": '[button]\nlabel = "   "',
    "a label too long": f'[button]\nlabel = "{"very " * 20}long"',
    "a choice in lower case": '[button]\ndisplay = "replace"',
    "a choice that isn't one": '[button]\ndisplay = "BESIDE"',
    "a presentation of Klaviyo's form builder": '[modal]\npresentation = "flyout"',
    "text for a number": '[button.text_styles]\nfont_size = "16px"',
    "a number too large": "[button.text_styles]\nfont_size = 300",
    "a weight between two steps": "[button.text_styles]\nfont_weight = 450",
    "a fraction for a whole number": "[modal]\nz_index = 1.5",
    "no number": "[button.button_styles]\nborder_radius = nan",
    "a colour with a digit too few": '[modal]\nbackground_color = "#12345"',
    "a colour that doesn't exist": '[modal]\ntext_color = "brand-green"',
    "a variable for a colour": '[modal]\ntext_color = "var(--brand)"',
    "a colour with an open bracket": '[modal]\ntext_color = "rgb(1 2 3"',
    "a colour with a comment": '[modal]\ntext_color = "red /* brand */"',
    "a colour with another rule behind it": '[modal]\ntext_color = "red; position: fixed"',
    "a length without a unit": '[button]\nproduct_page_margin = "8 0"',
    "a length below zero": '[button]\nproduct_page_margin = "-8px 0"',
    "five lengths": '[button]\nproduct_page_margin = "1px 2px 3px 4px 5px"',
    "a length that is calculated": '[button]\nproduct_page_width = "calc(100% - 1px)"',
    "fonts with an address": "[modal]\nfont_family = \"url('https://example.org/a.woff')\"",
    "an id with #": '[button]\nalternate_anchor = "#buy-box"',
    "class names with dots": '[button]\nproduct_page_class = ".btn .wide"',
    "text for yes or no": '[trigger]\nis_allow_for_preorder = "sometimes"',
    "text for a list": '[trigger]\ntag_blocklist = "gift-card, sample"',
    "a number in a list": '[trigger]\ntag_blocklist = [\n  "gift-card",\n  7,\n]',
    "no channel": "[channels]\noffered = []",
    "a channel in lower case": '[channels]\noffered = [\n  "EMAIL",\n  "sms",\n]',
    "a channel that isn't one": '[channels]\noffered = ["EMAIL", "FAX"]',
    "a channel twice": '[channels]\noffered = ["EMAIL", "EMAIL"]',
    "a country by its name": '[channels]\ndefault_region = "Germany"',
    "texts without who sends them": '[channels]\noffered = ["EMAIL", "SMS"]',
    "an address that a script would run": '[consent]\nprivacy_policy_url = "javascript:alert(1)"',
    "an address without a scheme": '[consent]\nterms_of_service_url = "shop.example/terms"',
    "an unknown placeholder": '[consent]\nsms_checkbox_text = "Text me about {product_name}."',
    "a language by its name": '[consent]\nlocale = "English"',
    "a language that the kit doesn't speak": '[languages]\noffered = ["en", "sv"]',
    "a language twice": '[languages]\noffered = ["de", "de"]',
    "texts in a language that the kit doesn't speak": '[texts.sv.button]\nlabel = "Hej"',
    "a text that isn't one": '[texts.de.button]\ndisplay = "NEXT_TO"',
    "a text's key with a slip": '[texts.de.modal]\nheadlin = "{product_name}"',
    "a text without its table": '[texts.de]\nlabel = "Sag Bescheid"',
    "a text that is empty": '[texts.fr.modal]\nheadline = ""',
    "a placeholder in a text": '[texts.de.consent]\nsms_disclosure = "{marke}"',
    "SMS alone, without its texts": (
        '[languages]\noffered = ["en", "de"]\n[channels]\noffered = ["SMS"]\n[consent]\n'
        'brand = "Smirr"\nterms_of_service_url = "/t"\nprivacy_policy_url = "/p"'
    ),
    "an integration without its sign": '[catalog]\nintegration = "shopify"',
    "an integration as others write it": '[catalog]\nintegration = "Magento 2"',
    "an integration with a slip": '[catalog]\nintegration = "$bigcomerce"',
    "an integration with a composite ID's sign": '[catalog]\nintegration = "sfcc:::shop"',
    "an empty integration": '[catalog]\nintegration = ""',
    "a catalog without its sign": '[catalog]\ncatalog_id = "default"',
    "a catalog that is no Magento's": '[catalog]\nintegration = "$magento_two"',
    "a key of the account": '[klaviyo]\nprivate_key = "pk_' + "0a" * 17 + '"',
    "a private key as a label": '[button]\ndisplay = "pk_' + "0a" * 17 + '"',
    "consents kept for less than sign-ups": "[retention]\nlog_days = 400\nconsent_days = 90",
    "several at once": '[button]\nlabel = ""\ndisplay = "BESIDE"\n\n[modal]\nz_index = -1',
    "in an inline table": 'button = { label = "Tell me", text_styles = { font_size = 2 } }',
    "with dotted keys": "[button]\nbutton_styles.border.width = 50",
    "below a text of many lines": (
        '[modal]\nbody_content = """\n[button]\nlabel = 5\n"""\n\n[button]\nlabel = 5'
    ),
    "text without quotation marks": "[button]\nlabel = Notify me",
    "true as Python writes it": "[trigger]\nis_allow_for_preorder = True",
    "a quotation mark left open": '[button]\nlabel = "Notify me\ndisplay = "REPLACE"',
    "a bracket left open": '[button\nlabel = "Notify me"',
    "a colon for the equals sign": '[button]\nlabel: "Notify me"',
    "a key twice": '[button]\nlabel = "A"\nlabel = "B"',
    "a table twice": '[button]\nlabel = "A"\n\n[button]\ndisplay = "REPLACE"',
    "JSON": '{"button": {"label": "Tell me"}}',
    "brackets without end": "x = " + "[" * 5000,
    "not UTF-8": '[button]\nlabel = "Prévenez-moi"'.encode("latin-1"),
}


@pytest.fixture
def told(
    make_app: Callable[..., Flask], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str | bytes], str]:
    """What a shop with this `notify_me.toml` says instead of starting."""
    monkeypatch.chdir(tmp_path)

    def tell(written: str | bytes) -> str:
        file = Path("notify_me.toml")
        file.write_bytes(f"{written}\n".encode() if isinstance(written, str) else written)
        with pytest.raises(SettingsError) as caught:
            make_app(NOTIFY_ME_CONFIG="notify_me.toml")
        return str(caught.value)

    return tell


def test_each_wrong_file_is_told_as_the_golden_file_says(
    told: Callable[[str | bytes], str],
) -> None:
    """Thirty or more, each with its line where it can be known."""
    assert len(WRONG) >= 30
    blocks = []
    for name, written in WRONG.items():
        text = written.decode("latin-1") if isinstance(written, bytes) else written
        text = text if len(text) < 200 else f"{text[:40]}…"
        quoted = "\n".join(f"> {line}  " for line in told(written).splitlines())
        quoted = quoted.replace("<", "\\<").replace("[", "\\[")
        blocks.append(
            f"## {name[0].upper()}{name[1:]}\n\n```toml\n{text}\n```\n\n{quoted.rstrip()}\n"
        )
    document = "\n".join([HEAD, *blocks]).replace("0a" * 17, "0a…")
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(document, encoding="utf-8")

    assert document.splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", [name for name in WRONG if "private key" in name])
def test_no_private_key_is_repeated(told: Callable[[str | bytes], str], name: str) -> None:
    """What starts the shop is often kept in a log."""
    assert "0a0a" not in told(WRONG[name])
