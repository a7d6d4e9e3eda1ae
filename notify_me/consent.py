"""What a shop offers and asks: which channels, and the boxes and texts for consent to marketing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from .settings import Account, Settings, SettingsError
from .settings import Consent as ConsentSettings
from .sign_up import Channel, Consent, Statement

LOCALE = "en"
"""The language in which the kit's texts are written."""
WHATSAPP_SINCE = "2026-01-15"
"""The first revision whose back-in-stock subscriptions know the channel WHATSAPP."""

_LINKS = {
    "terms_of_service": "Terms of Service",
    "privacy_policy": "Privacy Policy",
}


@dataclass(frozen=True, slots=True)
class Ask:
    """A box to tick for one channel, or a notice where the merchant asks no question."""

    channel: Channel
    field: str
    """The form field of the box; empty for a notice."""
    value: str
    """The box's value."""
    label: Markup
    """The words of the box, or of the notice."""
    disclosure: Markup
    """The legal text beside it; empty for email."""
    statement: Statement


@dataclass(frozen=True, slots=True)
class Offer:
    """What a form offers and asks; `offer()` makes it from the settings."""

    channels: tuple[Channel, ...]
    default_region: str
    asks: tuple[Ask, ...]
    list_id: str
    custom_source: str

    def consent(self, channels: Sequence[Channel], ticked: Collection[Channel]) -> Consent | None:
        """The consent to channels that are both chosen and ticked, or chosen and not asked for."""
        statements = tuple(
            ask.statement
            for ask in self.asks
            if ask.channel in channels and (ask.channel in ticked or not ask.field)
        )
        return Consent(statements, self.list_id, self.custom_source) if statements else None


def offer(settings: Settings, account: Account) -> Offer:
    """What the form offers under these settings, with the asks in the order of the channels."""
    asks = [_ask(channel, settings, account) for channel in settings.channels.offered]
    return Offer(
        channels=settings.channels.offered,
        default_region=settings.channels.default_region,
        asks=tuple(each for each in asks if each),
        list_id=account.list_id,
        custom_source=settings.consent.custom_source,
    )


def _ask(channel: Channel, settings: Settings, account: Account) -> Ask | None:
    consent = settings.consent
    if channel is Channel.EMAIL:
        if consent.email_list == "off" or not account.list_id:
            return None
        always = consent.email_list == "always"
        label = consent.email_notice if always else consent.email_checkbox_text
        field = "" if always else "opt_in_promotional_email"
        return _made(channel, field, label, "", consent)
    label, disclosure = {
        Channel.SMS: (consent.sms_checkbox_text, consent.sms_disclosure),
        Channel.WHATSAPP: (consent.whatsapp_checkbox_text, consent.whatsapp_disclosure),
    }[channel]
    return _made(channel, "opt_in_promotional_sms", label, disclosure, consent)


def _made(
    channel: Channel, field: str, label: str, disclosure: str, consent: ConsentSettings
) -> Ask:
    text = "\n".join(filter(None, (_plain(label, consent), _plain(disclosure, consent))))
    return Ask(
        channel=channel,
        field=field,
        value=channel.value,
        label=_html(label, consent),
        disclosure=_html(disclosure, consent),
        statement=Statement(
            channel=channel,
            text=text,
            version=hashlib.sha256(text.encode()).hexdigest()[:12],
            locale=LOCALE,
        ),
    )


def _words(consent: ConsentSettings) -> Mapping[str, str]:
    return {
        "brand": consent.brand or "us",
        "program": consent.program,
        "frequency": consent.frequency,
    }


def _addresses(consent: ConsentSettings) -> Mapping[str, str]:
    return {
        "terms_of_service": consent.terms_of_service_url,
        "privacy_policy": consent.privacy_policy_url,
    }


def _plain(text: str, consent: ConsentSettings) -> str:
    links = {name: f"{_LINKS[name]} ({url})" for name, url in _addresses(consent).items()}
    values = {**_words(consent), **links}
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], text)


def _html(text: str, consent: ConsentSettings) -> Markup:
    values: dict[str, Markup] = {name: escape(word) for name, word in _words(consent).items()}
    for name, url in _addresses(consent).items():
        # a new tab, so that what was typed stays
        link = '<a href="{}" target="_blank" rel="noopener">{}</a>'
        values[name] = Markup(link).format(url, _LINKS[name])  # noqa: S704 - the link is ours
    # every second part is a placeholder's name
    parts = re.split(r"\{(\w+)\}", text)
    return Markup("").join(
        values[part] if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def check(settings: Settings, account: Account) -> None:
    """Refuse what would break the law or the account; raises `SettingsError` with every reason."""
    problems = [*_needs_of_texts(settings, account), *_needs_of_list(settings, account)]
    if problems:
        raise SettingsError("; ".join(problems))


def _needs_of_texts(settings: Settings, account: Account) -> list[str]:
    consent = settings.consent
    texts = [each.value for each in settings.channels.offered if each is not Channel.EMAIL]
    if not texts:
        return []
    needs = {
        "KLAVIYO_LIST_ID in the environment (the list that subscribers join)": account.list_id,
        "consent.brand (who writes)": consent.brand,
        "consent.terms_of_service_url": consent.terms_of_service_url,
        "consent.privacy_policy_url": consent.privacy_policy_url,
    }
    offered = " and ".join(texts)
    missing = [need for need, value in needs.items() if not value]
    problems = []
    if missing:
        problems.append(
            f"channels.offered holds {offered}, which needs consent and so "
            f"{', '.join(missing)}: set what is missing, or offer EMAIL alone"
        )
    if consent.age_gated:
        problems.append(
            f"channels.offered holds {offered}, but consent.age_gated says that the account asks "
            "for dates of birth, which this form doesn't: offer EMAIL alone"
        )
    if Channel.WHATSAPP in settings.channels.offered and account.revision < WHATSAPP_SINCE:
        problems.append(
            f"channels.offered holds WHATSAPP, which needs KLAVIYO_REVISION {WHATSAPP_SINCE} or "
            f"later, not {account.revision}"
        )
    return problems


def _needs_of_list(settings: Settings, account: Account) -> list[str]:
    wanted = settings.consent.email_list
    if wanted == "off" or account.list_id or Channel.EMAIL not in settings.channels.offered:
        return []
    return [
        f"consent.email_list is {wanted!r}, which needs KLAVIYO_LIST_ID in the environment: "
        'set it, or consent.email_list = "off"'
    ]
