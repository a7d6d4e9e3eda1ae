"""`flask notify-me import-brand`, with the brands of the sandbox's account."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from notify_me.settings import read_settings
from notify_me.web.theme import contrast_warnings
from tests.notify_me.small_shop import engine_of, small_catalog, small_shop
from tests.support import Sandbox

SETTINGS = """\
# My settings.

[modal]
headline = "{product_name}"  # my headline
button_background_color = "#000"
error_text_color = "#f00"

[button]
label = "Tell me"
text_styles.font_color = "#777"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A `notify_me.toml` with settings that the import must keep or replace."""
    file = tmp_path / "notify_me.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    return file


@pytest.fixture
def run(tmp_path: Path, file: Path, sandbox: Sandbox) -> Iterator[Callable[..., Result]]:
    """Runs the command in a small shop; keyword arguments override its Flask config."""
    shops = []

    def command(*options: str, **config: Any) -> Result:
        environ = {**sandbox.environ(), "NOTIFY_ME_CONFIG": str(file), **config}
        shops.append(small_shop(tmp_path, small_catalog(), **environ))
        return shops[-1].test_cli_runner().invoke(args=["notify-me", "import-brand", *options])

    yield command
    for shop in shops:
        engine_of(shop).dispose()


def test_brand_becomes_settings(run: Callable[..., Result], file: Path) -> None:
    result = run()

    assert result.exit_code == 0, result.output
    assert f"Written to {file}" in result.stdout
    settings = read_settings(file)
    box, text = settings.button.button_styles, settings.button.text_styles
    assert (box.color, box.border_radius, box.height) == ("#12355b", 2, 50)
    assert (text.font_color, text.font_size, text.font_weight) == ("#ffffff", 15, 700)
    assert settings.modal.background_color == "#ffffff"
    assert settings.modal.headers_font_family == "Georgia, 'Times New Roman', serif"
    assert "button text.font_size: button.text_styles.font_size: 15" in result.stdout


def test_another_file_is_not_replaced(run: Callable[..., Result], tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("# mine", encoding="utf-8")

    result = run("--output", str(other))

    assert (result.exit_code, other.read_text(encoding="utf-8")) == (2, "# mine")
    assert "exists: specify another file" in result.output


def test_comments_and_other_settings_stay(run: Callable[..., Result], file: Path) -> None:
    run()

    text = file.read_text(encoding="utf-8")
    assert text.startswith("# My settings.\n\n[modal]\n")
    assert 'headline = "{product_name}"  # my headline\n' in text
    assert tomllib.loads(text)["button"]["label"] == "Tell me"


def test_inline_tables_are_extended(run: Callable[..., Result], file: Path) -> None:
    file.write_text('button = { label = "Tell me" }\n', encoding="utf-8")
    result = run()

    assert result.exit_code == 0, result.output
    button = read_settings(file).button
    assert (button.label, button.button_styles.color) == ("Tell me", "#12355b")


def test_settings_that_do_not_go_with_the_brand_are_removed(
    run: Callable[..., Result], file: Path
) -> None:
    """The submit button looks like the button, and errors stay readable."""
    run()

    modal = tomllib.loads(file.read_text(encoding="utf-8"))["modal"]
    assert {"button_background_color", "error_text_color"} & modal.keys() == set()


def test_another_brand_replaces_the_first(
    run: Callable[..., Result], file: Path, sandbox: Sandbox, tmp_path: Path
) -> None:
    run()
    sandbox.set("account", brand="poppy")

    result = run("--output", str(tmp_path / "second.toml"))

    settings = read_settings(tmp_path / "second.toml")
    assert read_settings(file).button.button_styles.color == "#12355b"
    box, text = settings.button.button_styles, settings.button.text_styles
    assert (box.color, box.border.enabled, box.drop_shadow.enabled) == ("#f0592a", True, True)
    assert (box.drop_shadow.blur, box.drop_shadow.color) == (16, "rgba(90, 30, 10, 0.3)")
    assert text.font_color is None
    assert contrast_warnings(settings) == []
    for reason in (
        "#ffffff on #f0592a has a contrast of 3.4:1, less than 4.5:1",
        "border_radius: 100; Klaviyo's 999 is more than the maximum",
        "Poppins is a web font, which the kit doesn't load: to use it, add it to the shop's own",
    ):
        assert reason in result.stdout


def test_dry_run_writes_nothing(run: Callable[..., Result], file: Path) -> None:
    result = run("--dry-run")

    assert "Imported (" in result.stdout
    assert "Nothing was written" in result.stdout
    assert file.read_text(encoding="utf-8") == SETTINGS


@pytest.mark.parametrize(
    ("account", "config", "message"),
    [
        ({"scopes": ["accounts:read"]}, {}, "lacks the brands:read scope"),
        ({"brand": "none"}, {}, "the account has no brand"),
        ({}, {"KLAVIYO_PRIVATE_KEY": "pk_" + "0" * 34}, "doesn't recognize the private key"),
        ({}, {"KLAVIYO_PRIVATE_KEY": "", "NOTIFY_ME_MODE": "client"}, "is not set"),
        ({}, {"KLAVIYO_REVISION": "2099-01-01"}, "isn't part of the revision"),
        ({}, {"KLAVIYO_API_URL": "http://127.0.0.1:9"}, "couldn't be reached: no response"),
    ],
    ids=["missing scope", "no brand", "wrong key", "no key", "unknown revision", "no network"],
)
def test_brand_that_cannot_be_read_is_reported_in_one_sentence(
    run: Callable[..., Result],
    file: Path,
    sandbox: Sandbox,
    account: dict[str, Any],
    config: dict[str, Any],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("notify_me.klaviyo.client.FIRST_RETRY_PAUSE", 0.01)
    if account:
        sandbox.set("account", **account)

    result = run(**config)

    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert file.read_text(encoding="utf-8") == SETTINGS


def test_environment_that_overrides_the_brand_is_named(run: Callable[..., Result]) -> None:
    result = run(NOTIFY_ME_BUTTON__BUTTON_STYLES__COLOR="#000")

    assert result.exit_code == 0
    assert (
        "overrides some of these settings: NOTIFY_ME_BUTTON__BUTTON_STYLES__COLOR" in result.stderr
    )


def test_file_that_cannot_be_written(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run("--output", str(tmp_path / "none" / "x.toml"))

    assert result.exit_code == 1
    assert "can't be written: No such file or directory" in result.stderr
