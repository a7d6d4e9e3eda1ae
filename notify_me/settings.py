"""Every setting of the kit: type, default, bounds and help, read and checked once at start.

The merchant's choices come from `notify_me.toml` under Klaviyo's own words; keys and whatever
differs from one deployment to the next come from the Flask config, which app.py fills from the
environment.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import click
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from .klaviyo import LOOPBACK, REVISION
from .phones import REGIONS
from .sign_up import Channel


class SettingsError(click.ClickException, ValueError):
    """A setting is wrong or missing. Its text says which one, and what to do."""

    exit_code = 2


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Button(_Model):
    """`[button]`: Klaviyo's dynamic button of type BACK_IN_STOCK_OPEN."""

    label: str = Field("Notify me", min_length=1, max_length=80, description="The button's words.")
    display: Literal["REPLACE", "NEXT_TO"] = Field(
        "REPLACE",
        description="For a sold-out variant: REPLACE takes the place of the shop's own button, "
        "NEXT_TO stands beside it.",
    )


class Modal(_Model):
    """`[modal]`: the words of the form. `{product_name}` and `{variant_name}` are filled in."""

    headline: str = Field(
        "{product_name}", min_length=1, max_length=200, description="The form's title."
    )
    body_content: str = Field(
        "Tell us where to write, and we'll let you know when it's back.",
        max_length=1000,
        description="The text below the title; empty for none.",
    )


class Channels(_Model):
    """`[channels]`: the ways in which shoppers may ask to hear."""

    offered: tuple[Channel, ...] = Field(
        (Channel.EMAIL,),
        min_length=1,
        description="Any of EMAIL, SMS and WHATSAPP, in the order in which the form shows them. "
        "SMS and WHATSAPP need a list, and brand and links under [consent].",
    )
    default_region: str = Field(
        "US",
        description="The country of phone numbers typed without a country code: two letters, "
        "such as US or DE.",
    )

    @field_validator("offered")
    @classmethod
    def _once_each(cls, value: tuple[Channel, ...]) -> tuple[Channel, ...]:
        if len(set(value)) != len(value):
            raise ValueError("must name each channel once")
        return value

    @field_validator("default_region")
    @classmethod
    def _region(cls, value: str) -> str:
        if value.upper() not in REGIONS:
            raise ValueError("must be the two letters of a country, such as US, GB or DE")
        return value.upper()


PLACEHOLDERS = ("brand", "program", "frequency", "terms_of_service", "privacy_policy")
"""What `{…}` may name in a text of `[consent]`; the last two become links."""


class ConsentSettings(_Model):
    """`[consent]`: who asks for it, and in which words. Klaviyo's own blocks for this are the
    form builder's `bis_promotional_email_checkbox`, `promotional_sms_checkbox`, `sms_disclosure`.
    """

    brand: str = Field("", max_length=100, description="Who writes: your company's name.")
    terms_of_service_url: str = Field("", description="The address of your terms of service.")
    privacy_policy_url: str = Field("", description="The address of your privacy policy.")
    program: str = Field(
        "back-in-stock alerts and offers",
        min_length=1,
        max_length=200,
        description="What text messages are about.",
    )
    frequency: str = Field(
        "Message frequency varies",
        min_length=1,
        max_length=200,
        description="How often text messages come.",
    )
    email_list: Literal["off", "ask", "always"] = Field(
        "off",
        description="Whether an email sign-up subscribes to the list KLAVIYO_LIST_ID as well: "
        "ask shows a box that isn't ticked, always shows a notice.",
    )
    email_checkbox_text: str = Field(
        "Also email me news and offers from {brand}.",
        min_length=1,
        max_length=1000,
        description="The words of the box for email_list = ask.",
    )
    email_notice: str = Field(
        "By signing up you also join the email list of {brand}. You can leave it at any time.",
        min_length=1,
        max_length=1000,
        description="The notice for email_list = always.",
    )
    sms_checkbox_text: str = Field(
        "Yes, send me text messages from {brand}.",
        min_length=1,
        max_length=1000,
        description="The words of the box for text messages.",
    )
    sms_disclosure: str = Field(
        "By ticking this box you agree to get recurring automated marketing text messages "
        "({program}) from {brand} at the number you gave. Consent is not a condition of purchase. "
        "{frequency}. Message and data rates may apply. Reply HELP for help and STOP to cancel. "
        "See our {terms_of_service} and {privacy_policy}.",
        min_length=1,
        max_length=3000,
        description="The legal text beside the box for text messages.",
    )
    whatsapp_checkbox_text: str = Field(
        "Yes, send me WhatsApp messages from {brand}.",
        min_length=1,
        max_length=1000,
        description="The words of the box for WhatsApp.",
    )
    whatsapp_disclosure: str = Field(
        "By ticking this box you agree to get recurring automated marketing messages on WhatsApp "
        "({program}) from {brand} at the number you gave. Consent is not a condition of purchase. "
        "{frequency}. Data rates may apply. Reply HELP for help and STOP to cancel. "
        "See our {terms_of_service} and {privacy_policy}.",
        min_length=1,
        max_length=3000,
        description="The legal text beside the box for WhatsApp.",
    )
    custom_source: str = Field(
        "Back in Stock",
        min_length=1,
        max_length=100,
        description="Klaviyo's custom_source: where it shows the consent as coming from.",
    )
    age_gated: bool = Field(
        False,
        description="Whether the Klaviyo account asks SMS subscribers for their date of birth. "
        "This form doesn't, so SMS and WHATSAPP can't be offered then.",
    )

    @field_validator("terms_of_service_url", "privacy_policy_url")
    @classmethod
    def _address(cls, value: str) -> str:
        ours = value.startswith("/") and not value.startswith("//")
        if value and not ours and not re.match(r"https?://[^\s/]", value):
            raise ValueError("must begin with https://, or with / for a page of the shop's")
        return value

    @field_validator(
        "email_checkbox_text",
        "email_notice",
        "sms_checkbox_text",
        "sms_disclosure",
        "whatsapp_checkbox_text",
        "whatsapp_disclosure",
    )
    @classmethod
    def _placeholders(cls, value: str) -> str:
        unknown = [name for name in re.findall(r"\{(\w+)\}", value) if name not in PLACEHOLDERS]
        if unknown:
            known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            raise ValueError(f"holds {{{unknown[0]}}}, which is none of {known}")
        return value


class Settings(_Model):
    """`notify_me.toml`, whole."""

    button: Button = Button()
    modal: Modal = Modal()
    channels: Channels = Channels()
    consent: ConsentSettings = ConsentSettings()


class Account(_Model):
    """Where Klaviyo is and who we are there. From the environment alone, never from a file."""

    mode: Literal["server", "client"] = Field("server", alias="NOTIFY_ME_MODE")
    api_url: str = Field("https://a.klaviyo.com", alias="KLAVIYO_API_URL")
    revision: str = Field(REVISION, alias="KLAVIYO_REVISION")
    public_key: str = Field("", alias="KLAVIYO_PUBLIC_KEY")
    private_key: SecretStr = Field(SecretStr(""), alias="KLAVIYO_PRIVATE_KEY")
    list_id: str = Field("", alias="KLAVIYO_LIST_ID")
    log_key: SecretStr = Field(SecretStr(""), alias="NOTIFY_ME_LOG_KEY")

    @field_validator("api_url")
    @classmethod
    def _reachable(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an address such as https://a.klaviyo.com")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("must be https:// unless it is on this machine: it carries a key")
        _ = parts.port  # raises ValueError for one that can't be
        if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("must be scheme and host alone, such as https://a.klaviyo.com")
        return value.rstrip("/")

    @field_validator("revision")
    @classmethod
    def _date(cls, value: str) -> str:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(\.[a-z0-9-]+)?", value):
            raise ValueError(f"must be a date such as {REVISION}")
        return value

    @field_validator("public_key")
    @classmethod
    def _public(cls, value: str) -> str:
        if value.startswith("pk_"):
            raise ValueError("holds a private key (pk_…): the public one is the short company ID")
        return value

    @field_validator("list_id")
    @classmethod
    def _list(cls, value: str) -> str:
        if value.startswith("pk_"):
            raise ValueError("holds a private key (pk_…): a list's ID is short, such as Y6nRLr")
        if not re.fullmatch(r"[\w-]{0,64}", value, re.ASCII):
            raise ValueError("must be a list's ID, such as Y6nRLr, which stands in its address")
        return value

    @field_validator("log_key")
    @classmethod
    def _long_enough(cls, value: SecretStr) -> SecretStr:
        if 0 < len(value.get_secret_value()) < 16:
            raise ValueError("must have 16 characters or more")
        return value

    @model_validator(mode="after")
    def _complete(self) -> Account:
        if self.mode == "client" and not self.public_key:
            raise ValueError(
                "KLAVIYO_PUBLIC_KEY is not set, and NOTIFY_ME_MODE=client needs it: copy the "
                "public key in Klaviyo under Settings > API keys, and put it in .env"
            )
        key = self.private_key.get_secret_value()
        if self.mode == "server" and not key:
            raise ValueError(
                "KLAVIYO_PRIVATE_KEY is not set: make a private key in Klaviyo under Settings > "
                "API keys, and put it in .env"
            )
        if not re.fullmatch(r"[\x21-\x7e]*", key):
            raise ValueError("KLAVIYO_PRIVATE_KEY holds a space or another odd character")
        if key and key == self.public_key:
            raise ValueError("KLAVIYO_PRIVATE_KEY holds the public key: it begins with pk_")
        if not self.log_key.get_secret_value():
            raise ValueError(
                "NOTIFY_ME_LOG_KEY is not set: put 32 or more random characters in .env, "
                'such as the output of python -c "import secrets; print(secrets.token_hex())"'
            )
        return self


def read_account(config: Mapping[str, Any]) -> Account:
    """The account from a Flask config; raises `SettingsError`."""
    names = [str(field.alias) for field in Account.model_fields.values()]
    given = {name: config[name] for name in names if config.get(name)}
    try:
        return Account.model_validate(given)
    except ValidationError as error:
        raise SettingsError(_sentence("the environment", Account, error)) from None


def read_settings(path: str | Path | None) -> Settings:
    """The merchant's settings from a TOML file, or the defaults for None.

    Raises `SettingsError` for a file that is missing, not TOML, or holds a wrong or unknown key.
    """
    if path is None:
        return Settings()
    try:
        document = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"NOTIFY_ME_CONFIG names {path}, which can't be read ({error.strerror}): "
            "correct the path, or leave the variable out for the defaults"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from None
    try:
        return Settings.model_validate(document)
    except ValidationError as error:
        raise SettingsError(_sentence(str(path), Settings, error)) from None


def _sentence(source: str, model: type[BaseModel], error: ValidationError) -> str:
    lines = [_line(model, detail) for detail in error.errors(include_url=False)]
    return f"{source}: " + "; ".join(lines)


def _line(model: type[BaseModel], detail: ErrorDetails) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        nearest = difflib.get_close_matches(key, list(_keys(model)), n=1, cutoff=0.5)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        return f"{key} is not a setting{hint}"
    message = detail["msg"].removeprefix("Value error, ")
    if not key:
        return message
    # a key's own value is never repeated, nor a private key in another's place
    given = repr(detail["input"])
    secret = key.isupper() and ("KEY" in key or "pk_" in given or "@" in given)
    given = "" if secret else f", not {given}"
    return f"{key}: {message[:1].lower()}{message[1:]}{given}"


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, info in model.model_fields.items():
        yield prefix + name
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _keys(info.annotation, f"{prefix}{name}.")
