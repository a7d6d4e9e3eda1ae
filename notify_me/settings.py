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
        "Enter your email address and we'll let you know when it's back.",
        max_length=1000,
        description="The text below the title; empty for none.",
    )


class Delivery(_Model):
    """`[delivery]`: how calls reach Klaviyo. Times are in seconds."""

    in_flight: int = Field(
        4,
        ge=1,
        le=256,
        description="Calls to Klaviyo under way at once in one web process. Half of its threads, "
        "so that a slow Klaviyo leaves the other half to the shop's pages.",
    )
    breaker_failures: int = Field(
        5,
        ge=1,
        le=100,
        description="After so many calls in a row without an answer, sign-ups are kept at once.",
    )
    breaker_pause: float = Field(
        10.0, gt=0, le=600, description="How long, before one call is tried again."
    )
    worker_in_flight: int = Field(
        20, ge=1, le=200, description="Calls of one operation under way at once in one worker."
    )
    back_in_stock_per_second: int = Field(
        40,
        ge=1,
        le=350,
        description="Back-in-stock subscriptions that all workers together make in a second. "
        "Klaviyo takes 3,500 a minute, of which the shop's own tries need a share.",
    )
    consent_per_second: int = Field(
        10,
        ge=1,
        le=75,
        description="Consents that all workers together send in a second. Klaviyo takes 750 a "
        "minute.",
    )
    call_timeout: float = Field(
        10.0, ge=1, le=60, description="How long a worker waits for an answer."
    )
    first_retry: float = Field(
        2.0, gt=0, le=600, description="Back-off after a first failure; it doubles each time."
    )
    longest_retry: float = Field(300.0, gt=0, le=86400, description="Where back-off stops growing.")
    probe_every: float = Field(
        60.0,
        ge=1,
        le=3600,
        description="While Klaviyo refuses the key, the revision or the list: how often one call "
        "finds out whether that is mended.",
    )
    sweep_after: float = Field(
        120.0,
        ge=1,
        le=86400,
        description="When a call that a worker took up and never finished goes to another one. "
        "Well above call_timeout, or calls are repeated.",
    )
    keep_finished: float = Field(
        3600.0,
        ge=0,
        le=2592000,
        description="How long a delivered call stays in the queue, contact details and all.",
    )


class Retention(_Model):
    """`[retention]`: what `flask notify-me purge` deletes."""

    log_days: int = Field(
        180, ge=1, le=3650, description="Days for which the sign-up log keeps a sign-up."
    )
    consent_days: int = Field(
        1825, ge=1, le=36500, description="Days for which the record of a consent is kept."
    )

    @model_validator(mode="after")
    def _consents_longer(self) -> Retention:
        if self.consent_days < self.log_days:
            raise ValueError("consent_days must not be less than log_days")
        return self


class Settings(_Model):
    """`notify_me.toml`, whole."""

    button: Button = Button()
    modal: Modal = Modal()
    delivery: Delivery = Delivery()
    retention: Retention = Retention()


class Account(_Model):
    """Where Klaviyo is and who we are there. From the environment alone, never from a file."""

    mode: Literal["server", "client"] = Field("server", alias="NOTIFY_ME_MODE")
    api_url: str = Field("https://a.klaviyo.com", alias="KLAVIYO_API_URL")
    revision: str = Field(REVISION, alias="KLAVIYO_REVISION")
    public_key: str = Field("", alias="KLAVIYO_PUBLIC_KEY")
    private_key: SecretStr = Field(SecretStr(""), alias="KLAVIYO_PRIVATE_KEY")
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
