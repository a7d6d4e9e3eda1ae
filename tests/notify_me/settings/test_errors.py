"""Error messages for invalid settings. Messages about files are in a golden file, for people to
read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from notify_me import SettingsError
from notify_me.settings import read_account, read_settings

GOLDEN = Path(__file__).with_name("wrong_settings.md")
HEAD = """\
# Error messages for invalid settings files

Each file stops the app from starting, with the message below it. Update this file with
`UPDATE_GOLDEN=1 pytest tests/notify_me/settings/test_errors.py`.
"""
# put together here, so that no file contains what looks like a key
PRIVATE = "pk_" + "0a" * 17
PUBLIC = "PuBl1c"
WRONG_FILES: dict[str, str | bytes] = {
    "mistyped key": '[button]\nlable = "Tell me"',
    "mistyped table": '[buton]\nlabel = "Tell me"',
    "unknown key": '[button]\nlabel = "Tell me"\ntooltip = "zzz"',
    "unknown table": "[qqqq]\nx = 1",
    "key in the wrong table": '[button]\ntag_allowlist = ["sale"]',
    "key outside its table": 'label = "Tell me"\n\n[button]\ndisplay = "REPLACE"',
    "nested key with an underscore": "[button.button_styles]\nborder_color = 'red'",
    "number instead of text": "[button]\nlabel = 5",
    "date instead of text": "[button]\nlabel = 2026-11-25",
    "text instead of a table": 'button = "Tell me"',
    "list of tables instead of a table": '[[button]]\nlabel = "Tell me"',
    "blank label": '[button]\nlabel = "   "',
    "long label": f'[button]\nlabel = "{"very " * 20}long"',
    "choice in lower case": '[button]\ndisplay = "replace"',
    "unknown choice": '[modal]\npresentation = "flyout"',
    "text instead of a number": '[button.text_styles]\nfont_size = "16px"',
    "number out of range": "[button.text_styles]\nfont_size = 300",
    "number between two steps": "[button.text_styles]\nfont_weight = 450",
    "fraction instead of a whole number": "[modal]\nz_index = 1.5",
    "not a number": "[button.button_styles]\nborder_radius = nan",
    "unknown colour": '[modal]\ntext_color = "brand-green"',
    "length without a unit": '[button]\nproduct_page_margin = "8 0"',
    "negative length": '[button]\nproduct_page_margin = "-8px 0"',
    "calculated length": '[button]\nproduct_page_width = "calc(100% - 1px)"',
    "font from a URL": "[modal]\nfont_family = \"url('https://example.org/a.woff')\"",
    "ID with #": '[button]\nalternate_anchor = "#buy-box"',
    "class names with dots": '[button]\nproduct_page_class = ".btn .wide"',
    "text instead of true or false": '[trigger]\nis_allow_for_preorder = "sometimes"',
    "text instead of a list": '[trigger]\ntag_blocklist = "gift-card, sample"',
    "number in a list of strings": '[trigger]\ntag_blocklist = ["gift-card", 7]',
    "no channel": "[channels]\noffered = []",
    "channel in lower case": '[channels]\noffered = ["EMAIL", "sms"]',
    "channel without a list": '[channels]\noffered = "EMAIL"',
    "duplicate channel": '[channels]\noffered = ["EMAIL", "EMAIL"]',
    "country name instead of a code": '[channels]\ndefault_region = "Germany"',
    "URL without a scheme": '[consent]\nterms_of_service_url = "shop.example/terms"',
    "unknown placeholder": '[consent]\nsms_checkbox_text = "Text me about {product_name}."',
    "language name instead of a code": '[consent]\nlocale = "English"',
    "unsupported language": '[languages]\noffered = ["en", "sv"]',
    "wording in an unsupported language": '[texts.sv.button]\nlabel = "Hej"',
    "setting that isn't text": '[texts.de.button]\ndisplay = "NEXT_TO"',
    "text outside its table": '[texts.de]\nlabel = "Sag Bescheid"',
    "unknown placeholder in a language": '[texts.de.consent]\nsms_disclosure = "{marke}"',
    "integration without $": '[catalog]\nintegration = "shopify"',
    "integration name instead of an ID": '[catalog]\nintegration = "Magento 2"',
    "mistyped integration": '[catalog]\nintegration = "$bigcomerce"',
    "integration with :::": '[catalog]\nintegration = "sfcc:::shop"',
    "empty integration": '[catalog]\nintegration = ""',
    "catalog ID without $": '[catalog]\ncatalog_id = "default"',
    "catalog ID that Magento doesn't have": '[catalog]\nintegration = "$magento_two"',
    "private key in the file": f'[klaviyo]\nprivate_key = "{PRIVATE}"',
    "private key as a value": f'[button]\ndisplay = "{PRIVATE}"',
    "value of sweep_after too low": "[delivery]\ncall_timeout = 60\nsweep_after = 60",
    "value of first_retry too high": "[delivery]\nfirst_retry = 400",
    "consents stored for less time than sign-ups": "[retention]\nlog_days = 400\nconsent_days = 90",
    "several errors": '[button]\nlabel = ""\ndisplay = "BESIDE"\n\n[modal]\nz_index = -1',
    "error in an inline table": "button = { text_styles = { font_size = 2 } }",
    "text without quotation marks": "[button]\nlabel = Notify me",
    "Python's True": "[trigger]\nis_allow_for_preorder = True",
    "missing quotation mark": '[button]\nlabel = "Notify me\ndisplay = "REPLACE"',
    "missing bracket": '[button\nlabel = "Notify me"',
    "duplicate key": '[button]\nlabel = "A"\nlabel = "B"',
    "not UTF-8": '[button]\nlabel = "Prévenez-moi"'.encode("latin-1"),
}


def test_wrong_files_are_described_as_in_the_golden_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("notify_me.toml")
    blocks = []
    for name, written in WRONG_FILES.items():
        text = written.decode("latin-1") if isinstance(written, bytes) else written
        file.write_bytes(written if isinstance(written, bytes) else f"{text}\n".encode())
        with pytest.raises(SettingsError) as error:
            read_settings(file)
        assert PRIVATE not in str(error.value)
        message = "\n".join(f"> {line}  " for line in str(error.value).splitlines()).rstrip()
        message = message.replace("<", "\\<").replace("[", "\\[")
        blocks.append(f"## {name[0].upper()}{name[1:]}\n\n```toml\n{text}\n```\n\n{message}\n")
    document = "\n".join([HEAD, *blocks]).replace("0a" * 17, "0a…")
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(document, encoding="utf-8")

    assert document.splitlines() == GOLDEN.read_text(encoding="utf-8").splitlines()


def test_app_does_not_start_with_a_wrong_file(
    make_app: Callable[..., Flask], tmp_path: Path
) -> None:
    file = tmp_path / "notify_me.toml"
    file.write_text('[button]\nlable = "Tell me"', encoding="utf-8")

    with pytest.raises(SettingsError) as error:
        make_app(NOTIFY_ME_CONFIG=str(file))

    assert str(error.value).startswith(f"{file}: button.lable is not a setting")


WRONG_WHILE_RUNNING: dict[str, bytes | None] = {
    "not TOML": b"[button",
    "unknown key": b"[button]\nlable = 'x'",
    "not UTF-8": b"\xff\xfe",
    "brackets": b"a = " + b"[" * 5000,
    "keys": b".".join([b"a"] * 5000) + b" = 1",
    "number": b"[limits]\nvalid_posts = " + b"9" * 5000,
    "a folder": None,
}


@pytest.mark.parametrize("content", WRONG_WHILE_RUNNING.values(), ids=WRONG_WHILE_RUNNING)
def test_wrong_file_while_the_app_is_running_changes_nothing(
    make_app: Callable[..., Flask], tmp_path: Path, lines: list[str], content: bytes | None
) -> None:
    """One log line says what is wrong. With such a file, the app doesn't start."""
    file = tmp_path / "instance.toml"
    file.write_text('[button]\nlabel = "Tell me"', encoding="utf-8")
    config = {"NOTIFY_ME_INSTANCE_CONFIG": str(file)}
    client = make_app(**config).test_client()
    file.unlink()
    if content is None:
        file.mkdir()
    else:
        file.write_bytes(content)

    for _ in range(2):
        page = client.get("/notify-me/$custom:::$default:::MUG")
        assert page.status_code == 200
        assert "Tell me" in page.text

    [line] = lines
    assert line.startswith("ERROR notify_me.context: ignoring the changed settings: ")
    assert str(file) in line
    with pytest.raises(SettingsError):
        make_app(**config)


@pytest.mark.parametrize("name", ["missing.toml", "."], ids=["missing", "a folder"])
def test_unreadable_file_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name

    with pytest.raises(SettingsError) as error:
        read_settings(path)

    for part in ("NOTIFY_ME_CONFIG", str(path), "correct the path"):
        assert part in str(error.value)


ACCOUNT = {"KLAVIYO_PRIVATE_KEY": PRIVATE, "NOTIFY_ME_LOG_KEY": "l" * 32}
WRONG_VARIABLES: dict[str, tuple[dict[str, Any], str]] = {
    "no private key": (
        {"KLAVIYO_PRIVATE_KEY": ""},
        "KLAVIYO_PRIVATE_KEY is not set: create a private key",
    ),
    "no public key": (
        {"NOTIFY_ME_MODE": "client"},
        "NOTIFY_ME_MODE=client requires KLAVIYO_PUBLIC_KEY, which is not set",
    ),
    "public key as private key": (
        {"KLAVIYO_PRIVATE_KEY": PUBLIC, "KLAVIYO_PUBLIC_KEY": PUBLIC},
        "KLAVIYO_PRIVATE_KEY is the public key: private keys begin with pk_",
    ),
    "private key as public key": (
        {"KLAVIYO_PUBLIC_KEY": PRIVATE},
        "KLAVIYO_PUBLIC_KEY: this is a private key (pk_…)",
    ),
    "private key as list": ({"KLAVIYO_LIST_ID": PRIVATE}, "KLAVIYO_LIST_ID: this is a private key"),
    "private key as URL": ({"KLAVIYO_API_URL": PRIVATE}, "KLAVIYO_API_URL: must be a URL"),
    "private key in a URL": (
        {"KLAVIYO_API_URL": f"https://{PRIVATE}@a.klaviyo.com"},
        "KLAVIYO_API_URL: the URL contains a user name or a password",
    ),
    "private key as revision": ({"KLAVIYO_REVISION": PRIVATE}, "KLAVIYO_REVISION: must be a date"),
    "private key as mode": ({"NOTIFY_ME_MODE": PRIVATE}, "NOTIFY_ME_MODE: must be 'server' or"),
    "space in the private key": (
        {"KLAVIYO_PRIVATE_KEY": PRIVATE + " x"},
        "KLAVIYO_PRIVATE_KEY contains a space",
    ),
    "short log key": (
        {"NOTIFY_ME_LOG_KEY": "fifteen-letters"},
        "NOTIFY_ME_LOG_KEY: must have 16 characters or more",
    ),
    "unknown mode": (
        {"NOTIFY_ME_MODE": "browser"},
        "NOTIFY_ME_MODE: must be 'server' or 'client', not 'browser'",
    ),
    "list ID with a space": ({"KLAVIYO_LIST_ID": "Y6n RLr"}, "KLAVIYO_LIST_ID: must be the ID"),
    "list ID with a slash": ({"KLAVIYO_LIST_ID": "Y6nRLr/../x"}, "KLAVIYO_LIST_ID: must be"),
    "revision in another order": (
        {"KLAVIYO_REVISION": "15.07.2026"},
        "KLAVIYO_REVISION: must be a date such as 2026-10-15, not '15.07.2026'",
    ),
    "revision in Arabic digits": (
        {"KLAVIYO_REVISION": "٢٠٢٦-١٠-١٥"},
        "KLAVIYO_REVISION: must be a date",
    ),
    **{
        url: ({"KLAVIYO_API_URL": url}, f"KLAVIYO_API_URL: {message}")
        for url, message in {
            "a.klaviyo.com": "must be a URL such as https://a.klaviyo.com",
            "ftp://a.klaviyo.com": "must be a URL",
            "https://": "must be a URL",
            "https://a klaviyo.com": "must be a URL",
            "https://a.klaviyo.com/api": "must be a scheme and a host only",
            "http://user:s3cret@a.klaviyo.com": "the URL contains a user name or a password",
            "https://a.klaviyo.com?company_id=x": "must be a scheme and a host only",
            "http://a.klaviyo.com": "must begin with https:// unless it is on this machine",
            "http://localhost.example.org": "must begin with https:// unless",
            "https://[::1": "must be a URL",
            "https://a.klaviyo.com:port": "must be a URL",
        }.items()
    },
}


@pytest.mark.parametrize(("variables", "message"), WRONG_VARIABLES.values(), ids=WRONG_VARIABLES)
def test_wrong_account_variable_is_an_error(variables: dict[str, Any], message: str) -> None:
    """The message names the variable and what to do, and repeats no key."""
    with pytest.raises(SettingsError) as error:
        read_account({**ACCOUNT, **variables})

    assert message in str(error.value)
    assert PRIVATE not in str(error.value)
    assert "s3cret" not in str(error.value)
    for name, value in variables.items():
        assert not value or "_KEY" not in name or value not in str(error.value)


@pytest.mark.parametrize(
    "url",
    ["https://a.klaviyo.com", "https://a.klaviyo.com/", "http://localhost:5001", "http://[::1]:1"],
)
def test_klaviyo_and_this_machine_have_valid_urls(url: str) -> None:
    assert read_account({**ACCOUNT, "KLAVIYO_API_URL": url}).api_url == url.rstrip("/")


def test_app_does_not_start_without_its_secrets(make_app: Callable[..., Flask]) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY is not set"):
        make_app(SECRET_KEY=None)
    with pytest.raises(SettingsError, match="KLAVIYO_PRIVATE_KEY is not set"):
        make_app(KLAVIYO_PRIVATE_KEY="")


def test_keys_are_not_in_the_repr_of_the_state(app: Flask) -> None:
    text = repr(app.extensions["notify_me"])

    assert app.config["KLAVIYO_PRIVATE_KEY"] not in text
    assert app.config["NOTIFY_ME_LOG_KEY"] not in text
