"""Consent to marketing: what the form offers and asks for, and checks of the settings."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from babel import Locale
from babel.lists import format_list
from markupsafe import Markup, escape

from ..channels import Channel
from ..i18n.catalogs import SOURCE_LOCALE, translations
from ..i18n.text import bidi_isolate, gettext
from ..klaviyo.calls import Consent, Statement
from ..settings import Account, Settings, SettingsError
from ..settings import Consent as ConsentSettings
from ..settings.localized import locale_text, localized


@dataclass(frozen=True, slots=True)
class ConsentPrompt:
    """A consent checkbox for one channel, or a notice in its place."""

    channel: Channel
    field: str
    """The form field of the checkbox."""
    has_checkbox: bool
    """Whether there is a checkbox; if not, the label is a notice."""
    label: Markup
    """The text next to the checkbox, or the notice."""
    disclosure: Markup
    """The legal text below the label; empty for email."""
    statement: Statement


@dataclass(frozen=True, slots=True)
class FormOptions:
    """What a form offers in one language."""

    channels: tuple[Channel, ...]
    default_region: str
    prompts: tuple[ConsentPrompt, ...]
    """In the order of the channels."""
    list_id: str
    custom_source: str

    @property
    def preselected_channels(self) -> tuple[Channel, ...]:
        """The channel that is selected in a blank form, so that its contact field is visible: email
        if the shop offers it. Consent is never preselected.
        """
        return (Channel.EMAIL,) if Channel.EMAIL in self.channels else self.channels[:1]

    def consent(self, channels: Sequence[Channel], checked: Collection[Channel]) -> Consent | None:
        """Return the consent for the selected channels whose checkbox is ticked or that have only a
        notice; None if there are no such channels.
        """
        statements = tuple(
            prompt.statement
            for prompt in self.prompts
            if prompt.channel in channels and (prompt.channel in checked or not prompt.has_checkbox)
        )
        return Consent(statements, self.list_id, self.custom_source) if statements else None


def form_options(settings: Settings, account: Account, locale: str) -> FormOptions:
    """Return what the form offers in `locale`; `settings` must be in that language. Channels whose
    legal wording is missing in that language are left out.
    """
    channels = tuple(
        channel
        for channel in settings.channels.offered
        if not missing_wording(settings, channel, locale)
    )
    prompts = (_prompt(channel, settings, account, locale) for channel in channels)
    return FormOptions(
        channels=channels,
        default_region=settings.channels.default_region,
        prompts=tuple(prompt for prompt in prompts if prompt),
        list_id=account.list_id,
        custom_source=settings.consent.custom_source,
    )


def _prompt(
    channel: Channel, settings: Settings, account: Account, locale: str
) -> ConsentPrompt | None:
    """Return the prompt for consent to a channel; None if the form doesn't ask for it."""
    consent = settings.consent
    name, disclosure = "email_checkbox_text", ""
    if channel.info.needs_consent:
        name, disclosure_name = channel.info.legal_wording
        disclosure = getattr(consent, disclosure_name)
    elif consent.email_list == "off" or not account.list_id:
        return None
    elif consent.email_list == "always":
        name = "email_notice"
    label: str = getattr(consent, name)
    text = "\n".join(filter(None, (_as_text(label, consent), _as_text(disclosure, consent))))
    return ConsentPrompt(
        channel=channel,
        field=channel.info.consent_field,
        has_checkbox=name != "email_notice",
        label=_as_html(label, consent),
        disclosure=_as_html(disclosure, consent),
        statement=Statement(
            channel=channel,
            text=text,
            version=hashlib.sha256(text.encode()).hexdigest()[:12],
            locale=_text_locale(settings, name, locale),
        ),
    )


def _placeholder_values(consent: ConsentSettings) -> dict[str, str]:
    return {
        "brand": consent.brand or gettext("us"),
        "program": consent.program,
        "frequency": consent.frequency,
    }


def _links(consent: ConsentSettings) -> dict[str, tuple[str, str]]:
    """Return the text and the URL of each link."""
    return {
        "terms_of_service": (consent.terms_of_service_text, consent.terms_of_service_url),
        "privacy_policy": (consent.privacy_policy_text, consent.privacy_policy_url),
    }


def _as_text(text: str, consent: ConsentSettings) -> str:
    links = {name: f"{label} ({url})" for name, (label, url) in _links(consent).items()}
    values = _placeholder_values(consent) | links
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], text)


def _as_html(text: str, consent: ConsentSettings) -> Markup:
    values = {
        name: escape(bidi_isolate(value)) for name, value in _placeholder_values(consent).items()
    }
    for name, (label, url) in _links(consent).items():
        # in a new tab, so that what was typed into the form isn't lost
        link = '<a href="{}" target="_blank" rel="noopener">{}</a>'
        values[name] = Markup(link).format(url, label)  # noqa: S704 - constant markup
    # every second part is the name of a placeholder
    parts = re.split(r"\{(\w+)\}", text)
    return Markup("").join(
        values[part] if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def privacy_link(consent: ConsentSettings) -> Markup:
    """Return a link to the privacy policy; empty if its URL isn't set."""
    return _as_html("{privacy_policy}", consent) if consent.privacy_policy_url else Markup("")


def check(settings: Settings, account: Account, *, has_shop_name: bool) -> None:
    """Raise `SettingsError` with every problem that `problems` finds."""
    if messages := problems(settings, account, has_shop_name=has_shop_name):
        raise SettingsError("; ".join(messages))


def problems(settings: Settings, account: Account, *, has_shop_name: bool) -> list[str]:
    """Return a sentence for each reason why the law or the account doesn't allow these settings.
    With `has_shop_name`, the consent wording uses the shop's name if no brand is set.
    """
    messages = [
        *_channel_problems(settings, account, has_shop_name),
        *_email_list_problems(settings, account),
    ]
    messages += [
        f"no channel in channels.offered is available in {_language(locale)}: also offer EMAIL, or "
        f"set the legal wording under [texts.{locale}.consent]"
        for locale in settings.languages.offered
        if all(missing_wording(settings, channel, locale) for channel in settings.channels.offered)
    ]
    return messages or _dead_link_problems(settings, account)


def _channel_problems(settings: Settings, account: Account, has_shop_name: bool) -> list[str]:
    consent = settings.consent
    channels = [channel for channel in settings.channels.offered if channel.info.needs_consent]
    if not channels:
        return []
    required = {
        "KLAVIYO_LIST_ID in the environment (the list that subscribers join)": account.list_id,
        "consent.brand (your company's name)": consent.brand or has_shop_name,
        "consent.terms_of_service_url": consent.terms_of_service_url,
        "consent.privacy_policy_url": consent.privacy_policy_url,
    }
    names = " and ".join(channels)
    needs = "needs" if len(channels) == 1 else "need"
    messages = []
    if missing := [name for name, value in required.items() if not value]:
        messages.append(
            f"channels.offered contains {names}, which {needs} consent: "
            f"set {', '.join(missing)}, or offer EMAIL only"
        )
    if consent.age_gated:
        messages.append(
            f"channels.offered contains {names}, but consent.age_gated says that the account asks "
            "for dates of birth, which this form doesn't: offer EMAIL only"
        )
    messages += [
        f"channels.offered contains {channel}, which needs KLAVIYO_REVISION "
        f"{channel.info.first_revision} or later, not {account.revision}"
        for channel in channels
        if account.revision < channel.info.first_revision
    ]
    return messages


def _email_list_problems(settings: Settings, account: Account) -> list[str]:
    email_list = settings.consent.email_list
    if email_list == "off" or account.list_id or Channel.EMAIL not in settings.channels.offered:
        return []
    return [
        f"consent.email_list is {email_list!r}, which needs KLAVIYO_LIST_ID in the environment: "
        'set it, or consent.email_list = "off"'
    ]


def _dead_link_problems(settings: Settings, account: Account) -> list[str]:
    """Return a sentence for each link on the form whose URL isn't set."""
    dead: dict[str, None] = {}
    for locale in settings.languages.offered:
        in_language = localized(settings, locale)
        prompts = form_options(in_language, account, locale).prompts
        for name, (label, url) in _links(in_language.consent).items():
            if not url and any(f"{label} ()" in prompt.statement.text for prompt in prompts):
                dead[name] = None
    return [
        f"a setting under [consent] contains {{{name}}}, but consent.{name}_url is not set"
        for name in dead
    ]


def _is_written_in(settings: Settings, locale: str) -> bool:
    """Return whether the text under `[consent]` is in this language."""
    languages = [name.partition("_")[0] for name in settings.languages.offered]
    written = settings.consent.locale.partition("-")[0].lower()
    if written not in (SOURCE_LOCALE, *languages):
        # a merchant who has changed `locale` wrote the text for the shop's first language
        written = languages[0]
    return written == locale.partition("_")[0]


def _text_locale(settings: Settings, name: str, locale: str) -> str:
    """Return the language in which the setting `name` under `[consent]` is shown."""
    has_own = locale_text(settings, locale, ("consent", name)) is not None
    default = ConsentSettings.model_fields[name].default
    is_translated = getattr(settings.consent, name) == translations(locale).gettext(default)
    if _is_written_in(settings, locale) or not (has_own or is_translated):
        return settings.consent.locale
    return locale.replace("_", "-")


def missing_wording(settings: Settings, channel: Channel, locale: str) -> list[str]:
    """Return the names of the settings under `[texts.<locale>.consent]` whose legal wording the
    merchant must write before the channel can be offered in this language.
    """
    if _is_written_in(settings, locale):
        return []
    wording = {
        name: locale_text(settings, locale, ("consent", name))
        for name in channel.info.legal_wording
    }
    all_text = " ".join(filter(None, wording.values()))
    required = [name for name, text in wording.items() if text is None]
    # the legal wording may contain placeholders for these settings, which aren't translated either
    required += [
        name
        for name in ("program", "frequency")
        if f"{{{name}}}" in all_text and locale_text(settings, locale, ("consent", name)) is None
    ]
    return required


def untranslated_warnings(settings: Settings) -> list[str]:
    """Return a sentence for each channel that isn't offered in some languages, because its legal
    wording is missing in those languages.
    """
    locales: dict[tuple[str, str], list[str]] = {}
    for locale in settings.languages.offered:
        for channel in settings.channels.offered:
            if missing := missing_wording(settings, channel, locale):
                locales.setdefault((channel, " and ".join(missing)), []).append(locale)
    return [
        f"{channel} isn't offered in "
        f"{format_list([*map(_language, affected)], 'or', 'en_GB')}, because its legal wording is "
        f"missing: set {names} under "
        f"[texts.{affected[0] if len(affected) == 1 else '<locale>'}.consent]"
        for (channel, names), affected in locales.items()
    ]


def _language(locale: str) -> str:
    """Return a language's English name and code, such as `German (de)`."""
    return f"{Locale.parse(locale).english_name} ({locale})"
