"""What a shop offers and asks: which channels, and the boxes and texts for consent to marketing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

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
    """A box to tick for one channel, or a notice where the merchant asks no question."""

    channel: Channel
    field: str
    """The form field of the box."""
    has_checkbox: bool
    """Whether there is a box; else the label is a notice."""
    label: Markup
    """The words of the box, or of the notice."""
    disclosure: Markup
    """The legal text beside it; empty for email."""
    statement: Statement


@dataclass(frozen=True, slots=True)
class FormOptions:
    """What a form offers and asks; `offer()` makes it from the settings."""

    channels: tuple[Channel, ...]
    default_region: str
    prompts: tuple[ConsentPrompt, ...]
    list_id: str
    custom_source: str

    def consent(self, channels: Sequence[Channel], ticked: Collection[Channel]) -> Consent | None:
        """The consent to channels that are both chosen and ticked, or chosen and not asked for."""
        statements = tuple(
            ask.statement
            for ask in self.prompts
            if ask.channel in channels and (ask.channel in ticked or not ask.has_checkbox)
        )
        return Consent(statements, self.list_id, self.custom_source) if statements else None


def form_options(settings: Settings, account: Account, locale: str) -> FormOptions:
    """What the form offers under these settings to whoever reads `locale`, with the asks in the
    order of the channels. A channel whose legal text isn't in that language isn't offered.
    """
    channels = tuple(
        each for each in settings.channels.offered if not missing_texts(settings, each, locale)
    )
    prompts = [_ask(channel, settings, account, locale) for channel in channels]
    return FormOptions(
        channels=channels,
        default_region=settings.channels.default_region,
        prompts=tuple(each for each in prompts if each),
        list_id=account.list_id,
        custom_source=settings.consent.custom_source,
    )


def _ask(
    channel: Channel, settings: Settings, account: Account, locale: str
) -> ConsentPrompt | None:
    consent = settings.consent
    if channel.info.needs_consent:
        name, disclosure = channel.info.legal_texts
        return _made(channel, settings, locale, name, getattr(consent, disclosure))
    if consent.email_list == "off" or not account.list_id:
        return None
    if consent.email_list == "always":
        return _made(channel, settings, locale, "email_notice", has_checkbox=False)
    return _made(channel, settings, locale, "email_checkbox_text")


def _made(
    channel: Channel,
    settings: Settings,
    locale: str,
    name: str,
    disclosure: str = "",
    *,
    has_checkbox: bool = True,
) -> ConsentPrompt:
    consent = settings.consent
    label: str = getattr(consent, name)
    text = "\n".join(filter(None, (_plain(label, consent), _plain(disclosure, consent))))
    return ConsentPrompt(
        channel=channel,
        field=channel.info.consent_field,
        has_checkbox=has_checkbox,
        label=_html(label, consent),
        disclosure=_html(disclosure, consent),
        statement=Statement(
            channel=channel,
            text=text,
            version=hashlib.sha256(text.encode()).hexdigest()[:12],
            locale=language_of(settings, name, locale),
        ),
    )


def _words(consent: ConsentSettings) -> Mapping[str, str]:
    return {
        "brand": consent.brand or gettext("us"),
        "program": consent.program,
        "frequency": consent.frequency,
    }


def _links(consent: ConsentSettings) -> Mapping[str, tuple[str, str]]:
    """The words and the address of each link."""
    return {
        "terms_of_service": (consent.terms_of_service_text, consent.terms_of_service_url),
        "privacy_policy": (consent.privacy_policy_text, consent.privacy_policy_url),
    }


def _plain(text: str, consent: ConsentSettings) -> str:
    links = {name: f"{words} ({url})" for name, (words, url) in _links(consent).items()}
    values = {**_words(consent), **links}
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], text)


def _html(text: str, consent: ConsentSettings) -> Markup:
    values = {name: escape(bidi_isolate(word)) for name, word in _words(consent).items()}
    for name, (words, url) in _links(consent).items():
        # a new tab, so that what was typed stays
        link = '<a href="{}" target="_blank" rel="noopener">{}</a>'
        values[name] = Markup(link).format(url, words)  # noqa: S704 - the link is ours
    # every second part is a placeholder's name
    parts = re.split(r"\{(\w+)\}", text)
    return Markup("").join(
        values[part] if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def check(settings: Settings, account: Account) -> None:
    """Refuse what would break the law or the account; raises `SettingsError` with every reason."""
    if found := problems(settings, account):
        raise SettingsError("; ".join(found))


def problems(settings: Settings, account: Account) -> list[str]:
    """What would break the law or the account, a sentence each."""
    found = [*_needs_of_texts(settings, account), *_needs_of_list(settings, account)]
    found += [
        f"channels.offered leaves no way to reach whoever reads {locale}: offer EMAIL too, or set "
        f"the legal texts under [texts.{locale}.consent]"
        for locale in settings.languages.offered
        if all(missing_texts(settings, each, locale) for each in settings.channels.offered)
    ]
    return found or _dead_links(settings, account)


def _needs_of_texts(settings: Settings, account: Account) -> list[str]:
    consent = settings.consent
    offered = [each for each in settings.channels.offered if each.info.needs_consent]
    if not offered:
        return []
    needs = {
        "KLAVIYO_LIST_ID in the environment (the list that subscribers join)": account.list_id,
        "consent.brand (who writes)": consent.brand,
        "consent.terms_of_service_url": consent.terms_of_service_url,
        "consent.privacy_policy_url": consent.privacy_policy_url,
    }
    names = " and ".join(offered)
    missing = [need for need, value in needs.items() if not value]
    problems = []
    if missing:
        problems.append(
            f"channels.offered holds {names}, which needs consent and so "
            f"{', '.join(missing)}: set what is missing, or offer EMAIL alone"
        )
    if consent.age_gated:
        problems.append(
            f"channels.offered holds {names}, but consent.age_gated says that the account asks "
            "for dates of birth, which this form doesn't: offer EMAIL alone"
        )
    problems += [
        f"channels.offered holds {channel}, which needs KLAVIYO_REVISION "
        f"{channel.info.first_revision} or later, not {account.revision}"
        for channel in offered
        if account.revision < channel.info.first_revision
    ]
    return problems


def _needs_of_list(settings: Settings, account: Account) -> list[str]:
    wanted = settings.consent.email_list
    if wanted == "off" or account.list_id or Channel.EMAIL not in settings.channels.offered:
        return []
    return [
        f"consent.email_list is {wanted!r}, which needs KLAVIYO_LIST_ID in the environment: "
        'set it, or consent.email_list = "off"'
    ]


def _dead_links(settings: Settings, account: Account) -> list[str]:
    """Texts in use that link to an address which isn't set."""
    found = []
    for locale in settings.languages.offered:
        spoken = localized(settings, locale)
        texts = [ask.statement.text for ask in form_options(spoken, account, locale).prompts]
        for name, (words, url) in _links(spoken.consent).items():
            if not url and any(f"{words} ()" in text for text in texts):
                found.append(name)
    return [
        f"a text of [consent] holds {{{name}}}, but consent.{name}_url is not set"
        for name in dict.fromkeys(found)
    ]


_FURTHER = ("program", "frequency")
"""What these texts may name, in words."""


def _written_in(settings: Settings, locale: str) -> bool:
    """Whether the texts of `[consent]` are written in this language."""
    written = settings.consent.locale.replace("-", "_")
    same = written.split("_")[0].lower() == locale.split("_")[0].lower()
    # a merchant who has set `locale` wrote the texts for the shop's first language
    return same or (locale == settings.languages.offered[0] and written != SOURCE_LOCALE)


def language_of(settings: Settings, name: str, locale: str) -> str:
    """The language of the text that is shown for `[consent] name`."""
    own = locale_text(settings, locale, ("consent", name)) is not None
    default = ConsentSettings.model_fields[name].default
    translated = getattr(settings.consent, name) == translations(locale).gettext(default)
    if _written_in(settings, locale) or not (own or translated):
        return settings.consent.locale
    return locale.replace("_", "-")


def missing_texts(settings: Settings, channel: Channel, locale: str) -> list[str]:
    """The texts that the merchant must write in a language before a channel can be offered in it,
    by their names under [texts.<locale>.consent].
    """
    if _written_in(settings, locale):
        return []
    texts = {
        name: locale_text(settings, locale, ("consent", name)) for name in channel.info.legal_texts
    }
    said = " ".join(each for each in texts.values() if each)
    named = [
        name
        for name in _FURTHER
        if f"{{{name}}}" in said and locale_text(settings, locale, ("consent", name)) is None
    ]
    return [*(name for name, text in texts.items() if text is None), *named]


def untranslated_warnings(settings: Settings) -> list[str]:
    """A warning for each language in which a channel can't be offered because a text is missing."""
    return [
        f"{channel} isn't offered in the language {locale}, for which the legal texts are missing: "
        f"set {' and '.join(missing)} under [texts.{locale}.consent]"
        for locale in settings.languages.offered
        for channel in settings.channels.offered
        if (missing := missing_texts(settings, channel, locale))
    ]
