"""Where settings come from: a variable, else the file, else the default; and what tells of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import create_app
from docs import settings_page
from notify_me import SettingsError
from notify_me.settings import load_settings, read_settings
from notify_me.settings.models import Settings
from notify_me.settings.schema import Setting, all_settings
from tests.notify_me.markup import view

MUG = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AMUG"
ROOT = Path(__file__).parents[3]
# [texts.<locale>] repeats those that are words: test_languages.py has these
EVERY = [each for each in all_settings(Settings) if each.path[0] != "texts"]


def test_the_reference_is_not_stale() -> None:
    """Renew with `make docs`."""
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == settings_page.markdown()


@pytest.mark.parametrize("known", EVERY, ids=lambda known: known.key)
def test_each_setting_has_its_help(known: Setting) -> None:
    """The reference, Studio and errors have nothing else to go by."""
    assert (known.info.description or "").endswith(".")
    assert known.allowed
    assert known.variable in settings_page.markdown()


def other(known: Setting) -> Any:
    """A value that isn't the default."""
    value = known.info.default
    if known.kind is bool:
        return not value
    if known.choices:
        more = [each for each in known.choices if each != value and [each] != list(value or ())]
        return [more[0]] if known.is_list else more[0]
    if known.is_list:
        return ["sale", "a, b"]
    if known.kind in {int, float}:
        return {"font_weight": 700, "letter_spacing": 2}.get(known.path[-1], (value or 24) + 1)
    samples = {
        "integration": "$wix",
        "catalog": "1-1",
        "colour": "#123456",
        "length": "12px",
        "font": "Inter, 'Open Sans', serif",
        "id": "buy-box",
        "class": "btn",
        "country": "DE",
        "address": "https://example.org/x",
        "language": "de-AT",
        "text": "Wörter",
    }
    return next(sample for word, sample in samples.items() if word in known.allowed)


def of(found: Settings, known: Setting) -> Any:
    """What the settings say, as JSON has it."""
    value: Any = found.model_dump(mode="json")
    for part in known.path:
        value = value[part]
    return value


@pytest.mark.parametrize("known", EVERY, ids=lambda known: known.key)
def test_each_setting_can_be_set_by_the_file_and_by_a_variable(
    known: Setting, tmp_path: Path
) -> None:
    """Both ways give the same, and the variable wins."""
    value = other(known)
    file = tmp_path / "notify_me.toml"
    file.write_text(f"{known.key} = {json.dumps(value)}\n", encoding="utf-8")
    written = value if isinstance(value, str) else json.dumps(value)

    default = of(read_settings(None), known)
    assert default != value
    assert of(read_settings(file), known) == value
    assert of(read_settings(None, {known.variable: written}), known) == value
    file.write_text("", encoding="utf-8")
    assert of(read_settings(file), known) == default


@pytest.mark.parametrize("name", ["sfcc", "$woocommerce", "my-shop", "$shopware"])
def test_an_integration_that_klaviyo_does_not_name_is_taken(name: str) -> None:
    """It is free text there; only a slip in a known name is an error."""
    found = read_settings(None, {"NOTIFY_ME_CATALOG__INTEGRATION": name})

    assert str(found.catalog.composite_id("a:::b")) == f"{name}:::$default:::a:::b"


def test_a_variable_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    """Key by key: beside a variable, the rest of its table stays."""
    file = tmp_path / "notify_me.toml"
    file.write_text(
        '[button]\nlabel = "File"\n[button.text_styles]\nfont_size = 20\n', encoding="utf-8"
    )
    variables = {"NOTIFY_ME_BUTTON__LABEL": "Variable", "NOTIFY_ME_MODAL__Z_INDEX": "7"}

    reading = load_settings(file, variables)

    assert reading.settings.button.label == "Variable"
    assert reading.settings.button.text_styles.font_size == 20
    assert reading.settings.modal.z_index == 7
    told = {".".join(key): origin for key, origin in reading.origins.items()}
    assert told["button.label"].where == "NOTIFY_ME_BUTTON__LABEL"
    assert told["button.text_styles.font_size"].where == str(file)
    assert told["button.display"].kind == "default"


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("BUTTON__LABEL", "Tell me", "Tell me"),
        ("BUTTON__LABEL", "5", "5"),
        ("BUTTON__LABEL", "true", "true"),
        ("BUTTON__LABEL", '"quoted"', '"quoted"'),
        ("BUTTON__LABEL", "", "Notify me"),
        ("MODAL__BODY_CONTENT", '""', ""),
        ("MODAL__FONT_FAMILY", '"Open Sans", serif', '"Open Sans", serif'),
        ("CHANNELS__OFFERED", "EMAIL", ["EMAIL"]),
        ("CHANNELS__OFFERED", "EMAIL, SMS", ["EMAIL", "SMS"]),
        ("CHANNELS__OFFERED", '["EMAIL", "SMS"]', ["EMAIL", "SMS"]),
        ("TRIGGER__TAG_BLOCKLIST", "gift card,sample", ["gift card", "sample"]),
        ("TRIGGER__TAG_BLOCKLIST", '["a, b"]', ["a, b"]),
        ("TRIGGER__TAG_BLOCKLIST", "[]", []),
        ("TRIGGER__IS_ALLOW_FOR_PREORDER", "false", False),
        ("TRIGGER__IS_ALLOW_FOR_PREORDER", "False", False),
        ("TRIGGER__IS_ALLOW_FOR_PREORDER", "0", False),
        ("MODAL__Z_INDEX", "1_000", 1000),
        ("BUTTON__TEXT_STYLES__FONT_SIZE", "16.5", 16.5),
    ],
)
def test_how_a_variable_is_read(name: str, written: str, value: object) -> None:
    """Text as it is, the rest as TOML, lists with commas too; empty is as if it were not set."""
    found = read_settings(None, {f"NOTIFY_ME_{name}": written})

    known = next(each for each in EVERY if each.variable == f"NOTIFY_ME_{name}")
    assert of(found, known) == value


WRONG = {
    ("BUTTON__LABLE", "x"): "NOTIFY_ME_BUTTON__LABLE is not a setting; did you mean "
    "NOTIFY_ME_BUTTON__LABEL?",
    ("BUTTON_LABEL", "x"): "did you mean NOTIFY_ME_BUTTON__LABEL?",
    ("button__label", "x"): "did you mean NOTIFY_ME_BUTTON__LABEL?",
    ("MODAL__TEXT_STYLES__FONT_SIZE", "9"): "mean NOTIFY_ME_BUTTON__TEXT_STYLES__FONT_SIZE?",
    ("ZZZZ__X", "x"): "NOTIFY_ME_ZZZZ__X is not a setting; docs/settings.md lists them all",
    ("BUTTON__TEXT_STYLES", "{font_size = 20}"): "is a table, not a setting: set its keys",
    ("BUTTON__DISPLAY", "replace"): "NOTIFY_ME_BUTTON__DISPLAY: must be 'REPLACE' or 'NEXT_TO', "
    "not 'replace'; did you mean 'REPLACE'?",
    ("CHANNELS__OFFERED", '["EMAIL"'): "must be a list of one or more of 'EMAIL'",
    ("CHANNELS__OFFERED", "EMAIL FAX"): "not 'EMAIL FAX'",
    ("MODAL__Z_INDEX", "1\nx = 2"): "NOTIFY_ME_MODAL__Z_INDEX: must be a whole number",
    ("MODAL__Z_INDEX", "[" * 5000): "NOTIFY_ME_MODAL__Z_INDEX: must be a whole number",
    ("RETENTION__CONSENT_DAYS", "3"): "NOTIFY_ME_RETENTION__CONSENT_DAYS: consent_days (3) must",
    ("BUTTON__DISPLAY", "pk_" + "0a" * 17): "not 'pk_…'",
}


@pytest.mark.parametrize(("given", "words"), WRONG.items(), ids=map(str, range(len(WRONG))))
def test_a_wrong_variable_stops_the_start(given: tuple[str, str], words: str) -> None:
    """It is named as it is written there, with what was given and what is allowed."""
    name, value = given
    with pytest.raises(SettingsError) as caught:
        read_settings(None, {f"NOTIFY_ME_{name}": value})

    assert words in str(caught.value)


def test_file_and_variables_are_told_apart(tmp_path: Path) -> None:
    """Each by its own name, all at once."""
    file = tmp_path / "notify_me.toml"
    file.write_text('[button]\nlabel = ""\ndisplay = "x"\n', encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_settings(file, {"NOTIFY_ME_MODAL__HEADLINE": " ", "NOTIFY_ME_BUTTON__LABEL": "Right"})

    lines = str(caught.value).splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        f"{file}",
        "NOTIFY_ME_MODAL__HEADLINE",
    ]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The environment of a shop in earnest."""
    return {
        "SECRET_KEY": "s" * 32,
        "NOTIFY_ME_LOG_KEY": "l" * 32,
        "KLAVIYO_PRIVATE_KEY": "pk_" + "0a" * 17,
        "DATABASE_URL": f"sqlite:///{tmp_path}/shop.db",
    }


def test_the_app_passes_the_environment_on(environ: dict[str, str]) -> None:
    """To the form's own button, in the end."""
    app = create_app({**environ, "NOTIFY_ME_BUTTON__LABEL": "By variable"})

    assert app.extensions["notify_me"].settings.button.label == "By variable"
    with pytest.raises(SettingsError, match="did you mean NOTIFY_ME_BUTTON__LABEL"):
        create_app({**environ, "NOTIFY_ME_BUTTON_LABEL": "x"})


def test_a_variable_changes_the_page(make_app: Callable[..., Flask]) -> None:
    """Through the Flask config of a shop that isn't ours."""
    page = view(make_app(NOTIFY_ME_BUTTON__LABEL="Ping me").test_client().get(MUG))

    assert page.one("button", class_="notify-me__submit").text == "Ping me"


@pytest.fixture
def shop(make_app: Callable[..., Flask], tmp_path: Path) -> Flask:
    """A shop with one setting of each origin."""
    file = tmp_path / "notify_me.toml"
    file.write_text('[button]\nlabel = "File \\u001b[31m"\n', encoding="utf-8")
    return make_app(NOTIFY_ME_CONFIG=str(file), NOTIFY_ME_MODAL__HEADLINE="Variable")


def test_the_command_tells_what_holds_and_why(shop: Flask, tmp_path: Path) -> None:
    """One line a setting, each with its origin."""
    told = shop.test_cli_runner().invoke(args=["notify-me", "settings"])

    assert told.exit_code == 0
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in told.output.splitlines()}
    assert lines.keys() >= {known.key for known in EVERY}
    assert lines["button.label"].endswith(f"({tmp_path}/notify_me.toml)")
    assert lines["modal.headline"] == '"Variable" (NOTIFY_ME_MODAL__HEADLINE)'
    assert lines["modal.z_index"] == "- (default)"
    assert lines["trigger.is_allow_for_preorder"] == "true (default)"
    assert "\x1b" not in told.output


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_the_command_masks_secrets(shop: Flask, arguments: list[str]) -> None:
    """A public key is none."""
    told = shop.test_cli_runner().invoke(args=["notify-me", "settings", *arguments])

    for name in ("KLAVIYO_PRIVATE_KEY", "NOTIFY_ME_LOG_KEY", "SECRET_KEY"):
        assert shop.config[name] not in told.output
    assert "••••" in told.output
    assert shop.config["KLAVIYO_PUBLIC_KEY"] in told.output


def test_the_command_speaks_json(shop: Flask, tmp_path: Path) -> None:
    """With values as JSON has them."""
    told = json.loads(
        shop.test_cli_runner().invoke(args=["notify-me", "settings", "--json"]).output
    )

    assert told["modal.headline"] == {
        "value": "Variable",
        "from": "environment",
        "where": "NOTIFY_ME_MODAL__HEADLINE",
    }
    assert told["button.label"]["from"] == "file"
    assert told["channels.offered"] == {"value": ["EMAIL"], "from": "default", "where": None}
    assert told["modal.z_index"]["value"] is None


def test_faint_text_is_a_warning_at_start(make_app: Callable[..., Flask], lines: list[str]) -> None:
    """Once, with both settings and the contrast; what can be read is none."""
    make_app(
        NOTIFY_ME_MODAL__TEXT_COLOR="#999",
        NOTIFY_ME_MODAL__BACKGROUND_COLOR="white",
        NOTIFY_ME_BUTTON__TEXT_STYLES__FONT_COLOR="#fff",
        NOTIFY_ME_BUTTON__BUTTON_STYLES__COLOR="#000",
    )

    warnings = [line for line in lines if line.startswith("WARNING")]
    [warning] = [line for line in warnings if "modal.text_color on " in line]
    assert "modal.text_color on modal.background_color has a contrast of 2.8:1" in warning
    assert not [line for line in warnings if "button.text_styles" in line]


def test_the_defaults_give_no_warning(make_app: Callable[..., Flask], lines: list[str]) -> None:
    """Nor does anything that can't be known."""
    make_app(NOTIFY_ME_MODAL__TEXT_COLOR="#999")

    assert [line for line in lines if line.startswith("WARNING")] == []
