"""The Klaviyo account, from environment variables only."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from ..klaviyo.client import LOOPBACK, REVISION
from .base import SettingsTable
from .errors import SettingsError, describe_error


class Account(SettingsTable):
    """The Klaviyo account and how it is reached."""

    mode: Literal["server", "client"] = Field("server", alias="NOTIFY_ME_MODE")
    """Who calls Klaviyo: server (Flask, with the private key) or client (the shopper's browser,
    with the public key).
    """
    api_url: str = Field("https://a.klaviyo.com", alias="KLAVIYO_API_URL")
    """Base URL of Klaviyo's API. Change it only for a proxy or a stand-in."""
    revision: str = Field(REVISION, alias="KLAVIYO_REVISION")
    """Revision of Klaviyo's API."""
    public_key: str = Field("", alias="KLAVIYO_PUBLIC_KEY")
    """Public API key, also called the company ID. Required for client mode."""
    private_key: SecretStr = Field(SecretStr(""), alias="KLAVIYO_PRIVATE_KEY")
    """Private API key. Required for server mode. In client mode, the server uses it for calls that
    the browser couldn't make.
    """
    list_id: str = Field("", alias="KLAVIYO_LIST_ID")
    """ID of the list that subscribers join. Required for SMS, WhatsApp and consent.email_list."""
    log_key: SecretStr = Field(SecretStr(""), alias="NOTIFY_ME_LOG_KEY")
    """Secret of 16 characters or more, used to hash contact details in the sign-up log. Derived
    from SECRET_KEY unless set.
    """

    @field_validator("api_url")
    @classmethod
    def _check_api_url(cls, url: str) -> str:
        if "@" in url:
            # must not begin with "must", or `describe_error` would append the value
            raise ValueError("the URL contains a user name or a password, which is not allowed")
        try:
            parts = urlsplit(url)
            has_host = bool(parts.hostname) and parts.port != 0 and " " not in parts.netloc
        except ValueError:
            # an invalid IPv6 address or port
            has_host = False
        if not has_host or parts.scheme not in {"http", "https"}:
            raise ValueError("must be a URL such as https://a.klaviyo.com")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("must begin with https:// unless it is on this machine")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("must be a scheme and a host only, such as https://a.klaviyo.com")
        return url.rstrip("/")

    @field_validator("revision")
    @classmethod
    def _check_revision(cls, revision: str) -> str:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(\.[a-z0-9-]+)?", revision, re.ASCII):
            raise ValueError(f"must be a date such as {REVISION}")
        return revision

    @field_validator("public_key")
    @classmethod
    def _check_public_key(cls, key: str) -> str:
        if key.startswith("pk_"):
            raise ValueError("this is a private key (pk_…); the public key is the short company ID")
        return key

    @field_validator("list_id")
    @classmethod
    def _check_list_id(cls, list_id: str) -> str:
        if list_id.startswith("pk_"):
            raise ValueError(
                "this is a private key (pk_…); the ID of a list is short, such as Y6nRLr"
            )
        if not re.fullmatch(r"[\w-]{0,64}", list_id, re.ASCII):
            raise ValueError("must be the ID in the list's URL, such as Y6nRLr")
        return list_id

    @field_validator("log_key")
    @classmethod
    def _check_log_key(cls, key: SecretStr) -> SecretStr:
        if 0 < len(key.get_secret_value()) < 16:
            raise ValueError("must have 16 characters or more")
        return key

    @model_validator(mode="after")
    def _check_keys(self) -> Account:
        key = self.private_key.get_secret_value()
        if self.mode == "client" and not self.public_key:
            raise ValueError(
                "NOTIFY_ME_MODE=client requires KLAVIYO_PUBLIC_KEY, which is not set: copy the "
                "public key in Klaviyo under Settings > API keys, and put it in .env"
            )
        if self.mode == "server" and not key:
            raise ValueError(
                "KLAVIYO_PRIVATE_KEY is not set: create a private key in Klaviyo under Settings > "
                "API keys, and put it in .env (the kit reads it from app.config)"
            )
        if not re.fullmatch(r"[\x21-\x7e]*", key):
            raise ValueError("KLAVIYO_PRIVATE_KEY contains a space or another invalid character")
        if key and key == self.public_key:
            raise ValueError("KLAVIYO_PRIVATE_KEY is the public key: private keys begin with pk_")
        return self


def read_account(config: Mapping[str, Any]) -> Account:
    """Read the account from a Flask config. Raises `SettingsError` if a value is invalid or a
    required one is missing.
    """
    names = [str(field.alias) for field in Account.model_fields.values()]
    values = {name: config[name] for name in names if config.get(name)}
    if secret := config.get("SECRET_KEY"):
        values.setdefault("NOTIFY_ME_LOG_KEY", _derived_log_key(secret))
    try:
        return Account.model_validate(values)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems = [describe_error(Account, detail) for detail in details]
        raise SettingsError("\n".join(problems)) from None


def log_keys(config: Mapping[str, Any], account: Account) -> tuple[str, ...]:
    """Return the keys that contacts in the log may be hashed with, the current one first.

    The others were derived from `SECRET_KEY` before `NOTIFY_ME_LOG_KEY` was set, or from a key in
    `SECRET_KEY_FALLBACKS`.
    """
    secrets = [config.get("SECRET_KEY"), *(config.get("SECRET_KEY_FALLBACKS") or [])]
    older = [_derived_log_key(secret) for secret in secrets if secret]
    return tuple(dict.fromkeys([account.log_key.get_secret_value(), *older]))


def _derived_log_key(secret: str | bytes) -> str:
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, b"NOTIFY_ME_LOG_KEY", hashlib.sha256).hexdigest()
