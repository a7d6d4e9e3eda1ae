"""Where the value of a setting comes from, and the command that shows the source."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Config, Flask

from app import create_app
from docs import settings_page
from notify_me import SettingsError
from notify_me.settings import Settings, load_settings, read_settings
from notify_me.settings.schema import Setting, all_settings

ROOT = Path(__file__).parents[3]
# [texts.<locale>] repeats the wording settings of the other tables; test_languages.py covers it.
SETTINGS = {
    setting.key: setting for setting in all_settings(Settings) if setting.path[0] != "texts"
}


def test_reference_is_up_to_date() -> None:
    """`make docs` updates the settings reference."""
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == settings_page.markdown()


def test_every_setting_has_a_description() -> None:
    for setting in SETTINGS.values():
        assert setting.description.endswith("."), setting.key
        assert setting.allowed, setting.key


OTHER_VALUES: dict[str, Any] = {
    "button.alternate_anchor": "buy-box",
    "button.text_styles.font_weight": 700,
    "button.text_styles.letter_spacing": 2,
    "channels.default_region": "DE",
    "catalog.integration": "$wix",
    "catalog.catalog_id": "1-1",
    "consent.locale": "de-AT",
    "consent.terms_of_service_url": "https://example.org/terms",
    "consent.privacy_policy_url": "/privacy",
}


def other_value(setting: Setting) -> Any:
    """Return a valid value that is not the default."""
    if setting.key in OTHER_VALUES:
        return OTHER_VALUES[setting.key]
    if setting.choices:
        defaults = setting.default if setting.type == "array" else [setting.default]
        choice = next(choice for choice in setting.choices if choice not in defaults)
        return [choice] if setting.type == "array" else choice
    if setting.type == "array":
        return ["sale", "a, b"]
    if setting.type == "boolean":
        return not setting.default
    if setting.type in {"integer", "number"}:
        return (setting.default or 24) + 1
    samples = {"colour": "#123456", "length": "12px", "font": "Inter, 'Open Sans', serif"}
    return next((text for word, text in samples.items() if word in setting.allowed), "Wörter")


def value_of(settings: Settings, setting: Setting) -> Any:
    """Return the value of a setting as in JSON."""
    value: Any = settings.model_dump(mode="json")
    for part in setting.path:
        value = value[part]
    return value


def test_every_setting_can_be_set_in_the_file_and_by_a_variable(tmp_path: Path) -> None:
    file = tmp_path / "notify_me.toml"
    for setting in SETTINGS.values():
        value = other_value(setting)
        file.write_text(f"{setting.key} = {json.dumps(value)}\n", encoding="utf-8")
        text = value if isinstance(value, str) else json.dumps(value)

        assert value_of(read_settings(None), setting) == setting.default != value
        assert value_of(read_settings(file), setting) == value, setting.key
        assert value_of(read_settings(None, {setting.variable: text}), setting) == value


def test_each_source_overrides_the_next(tmp_path: Path) -> None:
    """The sources, highest precedence first, are the environment, the Studio's file, the shop's
    file and the defaults.
    """
    file = tmp_path / "notify_me.toml"
    file.write_text(
        '[button]\nlabel = "File"\n[button.text_styles]\nfont_size = 20\n', encoding="utf-8"
    )
    studio_file = tmp_path / "instance.toml"
    variables = {
        "NOTIFY_ME_BUTTON__LABEL": "Variable",
        "NOTIFY_ME_MODAL__Z_INDEX": "7",
        "NOTIFY_ME_INSTANCE_CONFIG": str(studio_file),
    }
    assert load_settings(file, variables).settings.button.text_styles.font_size == 20
    studio_file.write_text('[button]\nlabel = "S"\ntext_styles.font_size = 21\n', encoding="utf-8")

    loaded = load_settings(file, variables)

    assert loaded.settings.button.label == "Variable"
    assert loaded.settings.button.text_styles.font_size == 21
    assert loaded.settings.modal.z_index == 7
    origins = {".".join(key): origin for key, origin in loaded.origins.items()}
    assert origins["button.label"].where == "NOTIFY_ME_BUTTON__LABEL"
    assert origins["button.text_styles.font_size"].where == str(studio_file)
    assert origins["button.display"].kind == "default"
    studio_file.write_text("[button]\ntext_styles.font_size = 1\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=re.escape(f"{studio_file}: button.text_styles")):
        load_settings(file, variables)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("button.label", "Tell me", "Tell me"),
        ("button.label", "5", "5"),
        ("button.label", "true", "true"),
        ("button.label", '"quoted"', '"quoted"'),
        ("button.label", "", "Notify me"),
        ("modal.body_content", '""', ""),
        ("modal.font_family", '"Open Sans", serif', '"Open Sans", serif'),
        ("channels.offered", "EMAIL", ["EMAIL"]),
        ("channels.offered", "EMAIL, SMS", ["EMAIL", "SMS"]),
        ("channels.offered", '["EMAIL", "SMS"]', ["EMAIL", "SMS"]),
        ("trigger.tag_blocklist", "gift card,sample", ["gift card", "sample"]),
        ("trigger.tag_blocklist", '["a, b"]', ["a, b"]),
        ("trigger.tag_blocklist", "[]", []),
        ("trigger.is_allow_for_preorder", "false", False),
        ("trigger.is_allow_for_preorder", "False", False),
        ("trigger.is_allow_for_preorder", "0", False),
        ("modal.z_index", "1_000", 1000),
        ("button.text_styles.font_size", "16.5", 16.5),
    ],
)
def test_variable_is_parsed_by_the_type_of_the_setting(key: str, text: str, value: object) -> None:
    setting = SETTINGS[key]

    assert value_of(read_settings(None, {setting.variable: text}), setting) == value


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "BUTTON__LABLE",
            "x",
            "NOTIFY_ME_BUTTON__LABLE is not a setting; did you mean NOTIFY_ME_BUTTON__LABEL?",
        ),
        ("BUTTON_LABEL", "x", "did you mean NOTIFY_ME_BUTTON__LABEL?"),
        ("button__label", "x", "did you mean NOTIFY_ME_BUTTON__LABEL?"),
        ("MODAL__TEXT_STYLES__FONT_SIZE", "9", "mean NOTIFY_ME_BUTTON__TEXT_STYLES__FONT_SIZE?"),
        ("ZZZZ__X", "x", "NOTIFY_ME_ZZZZ__X is not a setting; see docs/settings.md"),
        ("BUTTON__TEXT_STYLES", "{font_size = 20}", "is a table, not a setting: set its keys"),
        ("BUTTON", "x", "NOTIFY_ME_BUTTON is a table, not a setting: set its keys"),
        (
            "BUTTON__DISPLAY",
            "replace",
            "NOTIFY_ME_BUTTON__DISPLAY: must be 'REPLACE' or 'NEXT_TO', not 'replace'; "
            "did you mean 'REPLACE'?",
        ),
        ("CHANNELS__OFFERED", '["EMAIL"', "must be a list of one or more of 'EMAIL'"),
        ("CHANNELS__OFFERED", "EMAIL FAX", "not 'EMAIL FAX'"),
        ("MODAL__Z_INDEX", "9" * 5000, "NOTIFY_ME_MODAL__Z_INDEX: must be a whole number"),
        ("CHANNELS__OFFERED", "[" * 5000, "must be a list of one or more of 'EMAIL'"),
        ("MODAL__Z_INDEX", "1\nx = 2", "NOTIFY_ME_MODAL__Z_INDEX: must be a whole number"),
        (
            "RETENTION__CONSENT_DAYS",
            "3",
            "NOTIFY_ME_RETENTION__CONSENT_DAYS: consent_days (3) must not be less",
        ),
        ("BUTTON__DISPLAY", "pk_" + "0a" * 17, "not 'pk_…'"),
    ],
)
def test_wrong_variable_is_an_error(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        read_settings(None, {f"NOTIFY_ME_{name}": value})

    assert message in str(error.value)


def test_errors_in_file_and_variables_are_reported_together(tmp_path: Path) -> None:
    """Sources that have nothing to do with an error aren't named."""
    file = tmp_path / "notify_me.toml"
    file.write_text('[button]\nlabel = ""\n[retention]\nlog_days = 9\n', encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        read_settings(
            file,
            {
                "NOTIFY_ME_MODAL__HEADLINE": " ",
                "NOTIFY_ME_RETENTION__CONSENT_DAYS": "3",
                "NOTIFY_ME_RETENTION__ERASE_CONSENTS": "true",
            },
        )

    assert [line.partition(": ")[0] for line in str(error.value).splitlines()] == [
        str(file),
        "NOTIFY_ME_MODAL__HEADLINE",
        f"{file} and NOTIFY_ME_RETENTION__CONSENT_DAYS",
    ]


FILE, ENVIRONMENT = "the file", "NOTIFY_ME_CATALOG__INTEGRATION"
MAGENTO = '[catalog]\nintegration = "$magento_two"'


@pytest.mark.parametrize(
    ("text", "integration", "blamed"),
    [
        ('[catalog]\nintegration = "$shopify"', "$magento_two", {ENVIRONMENT}),
        ('[catalog]\ncatalog_id = "$default"', "$magento_two", {ENVIRONMENT}),
        (MAGENTO, "", {FILE}),
    ],
    ids=["variable", "variable, and a default in the file", "file"],
)
def test_an_error_in_a_table_names_what_caused_it(
    tmp_path: Path, text: str, integration: str, blamed: set[str]
) -> None:
    """Magento's catalog ID isn't $default."""
    file = tmp_path / "notify_me.toml"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError) as error:
        read_settings(file, {ENVIRONMENT: integration})

    message = str(error.value).replace(str(file), FILE)
    assert {name for name in (FILE, ENVIRONMENT) if name in message} == blamed


def test_app_reads_settings_from_its_environment(tmp_path: Path) -> None:
    environment = {
        "SECRET_KEY": "s" * 32,
        "NOTIFY_ME_LOG_KEY": "l" * 32,
        "KLAVIYO_PRIVATE_KEY": "pk_" + "0a" * 17,
        "DATABASE_URL": f"sqlite:///{tmp_path}/shop.db",
    }
    app = create_app({**environment, "NOTIFY_ME_BUTTON__LABEL": "By variable"})

    assert app.extensions["notify_me"].settings.button.label == "By variable"
    with pytest.raises(SettingsError, match="did you mean NOTIFY_ME_BUTTON__LABEL"):
        create_app({**environment, "NOTIFY_ME_BUTTON_LABEL": "x"})


def test_app_reads_settings_with_from_prefixed_env(
    monkeypatch: pytest.MonkeyPatch, make_app: Callable[..., Flask]
) -> None:
    """This method of Flask's turns the variables into nested dicts."""
    monkeypatch.setenv("FLASK_NOTIFY_ME_BUTTON__LABEL", "By variable")
    monkeypatch.setenv("FLASK_NOTIFY_ME_BUTTON__TEXT_STYLES__FONT_SIZE", "20")
    config = Config("")
    config.from_prefixed_env()

    shopper = make_app(**config).test_client()

    assert "By variable" in shopper.get("/notify-me/$custom:::$default:::MUG").text
    assert "font-size:20px" in shopper.get("/notify-me/theme.css").text


@pytest.fixture
def run(make_app: Callable[..., Flask], tmp_path: Path) -> Callable[..., str]:
    """Return a function that runs `flask notify-me settings` with a setting of each origin."""
    file = tmp_path / "notify_me.toml"
    file.write_text('[button]\nlabel = "File \\u001b[31m"\n', encoding="utf-8")
    app = make_app(NOTIFY_ME_CONFIG=str(file), NOTIFY_ME_MODAL__HEADLINE="Variable")

    def settings(*arguments: str) -> str:
        result = app.test_cli_runner().invoke(args=["notify-me", "settings", *arguments])
        assert result.exit_code == 0
        for name in ("KLAVIYO_PRIVATE_KEY", "NOTIFY_ME_LOG_KEY", "SECRET_KEY"):
            assert app.config[name] not in result.output
        assert app.config["KLAVIYO_PUBLIC_KEY"] in result.output
        return result.output

    return settings


def test_command_lists_settings_with_their_origin(run: Callable[..., str], tmp_path: Path) -> None:
    output = run()

    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in output.splitlines()}
    assert lines.keys() >= SETTINGS.keys()
    assert lines["button.label"].endswith(f"({tmp_path}/notify_me.toml)")
    assert lines["modal.headline"] == '"Variable" (NOTIFY_ME_MODAL__HEADLINE)'
    assert lines["modal.z_index"] == "- (default)"
    assert lines["trigger.is_allow_for_preorder"] == "true (default)"
    assert "••••" in lines["KLAVIYO_PRIVATE_KEY"]
    assert "\x1b" not in output


def test_command_prints_json(run: Callable[..., str]) -> None:
    document = json.loads(run("--json"))

    assert document["modal.headline"] == {
        "value": "Variable",
        "from": "environment",
        "where": "NOTIFY_ME_MODAL__HEADLINE",
    }
    assert document["button.label"]["from"] == "file"
    assert document["channels.offered"] == {"value": ["EMAIL"], "from": "default", "where": None}
    assert document["modal.z_index"]["value"] is None


def test_contrast_of_colours_in_other_spaces_is_known(
    make_app: Callable[..., Flask], lines: list[str]
) -> None:
    app = make_app(
        NOTIFY_ME_BUTTON__BUTTON_STYLES__COLOR="oklch(0.95 0.02 90)",
        NOTIFY_ME_MODAL__BACKGROUND_COLOR="lab(15% 5 -20)",
        NOTIFY_ME_MODAL__TEXT_COLOR="oklab(45% 0 0)",
    )
    css = app.test_client().get("/notify-me/theme.css").text
    assert "--notify-me-button-color:#1d1d1f;" in css
    assert "--notify-me-scheme:dark;" in css
    assert any("modal.text_color on modal.background_color has a contrast" in x for x in lines)


def test_low_contrast_is_a_warning_at_startup(
    make_app: Callable[..., Flask], lines: list[str]
) -> None:
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


def test_unknown_contrast_isnt_a_warning(make_app: Callable[..., Flask], lines: list[str]) -> None:
    make_app(NOTIFY_ME_MODAL__TEXT_COLOR="#999")

    assert not any("contrast" in line for line in lines)
