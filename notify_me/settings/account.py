"""Where Klaviyo is and who we are there: from the environment alone, never from a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from ..klaviyo.client import LOOPBACK, REVISION
from .base import SettingsTable
from .errors import SettingsError, error_summary


class Account(SettingsTable):
    """Where Klaviyo is and who we are there. From the environment alone, never from a file."""

    mode: Literal["server", "client"] = Field(
        "server",
        alias="NOTIFY_ME_MODE",
        description="Who calls Klaviyo: Flask with the private key, or the shopper's "
        "browser with the public one.",
    )
    api_url: str = Field(
        "https://a.klaviyo.com",
        alias="KLAVIYO_API_URL",
        description="Where Klaviyo is. Only for a proxy or a stand-in.",
    )
    revision: str = Field(
        REVISION,
        alias="KLAVIYO_REVISION",
        description="The revision of Klaviyo's API.",
    )
    public_key: str = Field(
        "",
        alias="KLAVIYO_PUBLIC_KEY",
        description="The public key, which is the company ID. Needed for client mode.",
    )
    private_key: SecretStr = Field(
        SecretStr(""),
        alias="KLAVIYO_PRIVATE_KEY",
        description="A private key. Needed for server mode; in client mode, a net for what "
        "can't get through.",
    )
    list_id: str = Field(
        "",
        alias="KLAVIYO_LIST_ID",
        description="The list that subscribers join. Needed for SMS, WhatsApp and the email list.",
    )
    log_key: SecretStr = Field(
        SecretStr(""),
        alias="NOTIFY_ME_LOG_KEY",
        description="A secret of 16 characters or more, under which the sign-up log hashes "
        "contacts.",
    )

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
                "API keys, and put it in .env (the kit reads it from app.config)"
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
        raise SettingsError(error_summary("the environment", Account, error)) from None
