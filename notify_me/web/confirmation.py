"""What the done view says: where the news goes, what wasn't taken, what is left to confirm."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ..channels import Channel
from ..context import current_state
from ..i18n.catalogs import N_
from ..i18n.text import gettext, localized_list
from ..klaviyo.outcomes import PHONE_REFUSED, UNAVAILABLE
from ..store.logged import LoggedSignUp
from ..store.tables import CallState
from ..variants import Variant

AGAIN = N_("Please try again later.")
NOT_SENT = N_("It wasn't sent. Please try again later.")
PERHAPS = N_("If a message asks you to confirm, please answer it.")
SURELY = N_("We're sending a message that asks you to confirm.")
# whole sentences, since no two languages put them together alike
UNTIL = {
    frozenset({Channel.EMAIL}): N_("Please answer it: until you do, you aren't on our email list."),
    frozenset({Channel.SMS}): N_("Please answer it: until you do, no text messages can reach you."),
    frozenset({Channel.WHATSAPP}): N_(
        "Please answer it: until you do, no WhatsApp messages can reach you."
    ),
    frozenset({Channel.SMS, Channel.WHATSAPP}): N_(
        "Please answer it: until you do, no text messages and no WhatsApp messages can reach you."
    ),
    frozenset({Channel.SMS, Channel.EMAIL}): N_(
        "Please answer it: until you do, no text messages can reach you, and you aren't on our "
        "email list."
    ),
    frozenset({Channel.WHATSAPP, Channel.EMAIL}): N_(
        "Please answer it: until you do, no WhatsApp messages can reach you, and you aren't on our "
        "email list."
    ),
    frozenset({Channel.SMS, Channel.WHATSAPP, Channel.EMAIL}): N_(
        "Please answer it: until you do, no text messages and no WhatsApp messages can reach you, "
        "and you aren't on our email list."
    ),
}


def failure_message(variant: Variant, words: str) -> str:
    """What wasn't taken, with the reason that the log keeps for it."""
    return gettext("%(product)s: %(why)s", product=_name(variant), why=_why(words))


def delivery_message(logged: LoggedSignUp, taken: Sequence[Variant]) -> str:
    """Where the news goes if what was taken comes back; empty where there is none to come."""
    contacts = _reached(logged)
    if not taken or contacts is None:
        return ""
    names = localized_list([_name(each) for each in taken], "or")
    if not contacts:
        return gettext("If %(products)s comes back, the news goes to you.", products=names)
    return gettext(
        "If %(products)s comes back, the news goes to %(contacts)s.",
        products=names,
        contacts=localized_list(contacts),
    )


def consent_messages(logged: LoggedSignUp, *, simulated: bool) -> dict[str, Any]:
    """What the view says of contacts and consent: sentences, and whether the number was dropped.
    A simulated sign-up asks Klaviyo nothing.
    """
    subscribe = next((call for call in logged.calls if call.variant is None), None)
    missing = _unrecorded(logged)
    confirming = [channel for channel in logged.consented if channel not in missing]
    # told to each sign-up alike: whether this contact is on the list already is nobody's to learn
    double: bool | None = False
    if confirming:
        double = None if simulated else current_state().opt_in.is_double()
    return {
        "unrecorded": [gettext(each.info.not_recorded) for each in missing],
        "reason": _consent_why(subscribe.message if subscribe else "") if missing else "",
        "confirm": "" if double is False else _confirm(confirming, certain=bool(double)),
        "phone_dropped": _phone_dropped(logged),
    }


def _why(words: str) -> str:
    return gettext(words or NOT_SENT)


def _consent_why(words: str) -> str:
    # the sign-up itself was taken just now
    return gettext(AGAIN) if words == UNAVAILABLE else _why(words)


def _name(variant: Variant) -> str:
    return f"{variant.product_title} ({variant.title})" if variant.title else variant.product_title


def _confirm(channels: Collection[Channel], *, certain: bool) -> str:
    until = UNTIL.get(frozenset(channels)) if certain else None
    return f"{gettext(SURELY)} {gettext(until)}" if until else gettext(PERHAPS)


def _by_phone(logged: LoggedSignUp) -> list[Channel]:
    return [channel for channel in logged.channels if channel.info.identifier == "phone_number"]


def _phone_dropped(logged: LoggedSignUp) -> bool:
    return any(
        call.message == PHONE_REFUSED
        and call.state is CallState.ACCEPTED
        and call.variant is not None
        for call in logged.calls
    )


def _unrecorded(logged: LoggedSignUp) -> list[Channel]:
    """The channels whose consent Klaviyo didn't take."""
    subscribe = next((call for call in logged.calls if call.variant is None), None)
    if subscribe and subscribe.failed:
        return list(logged.consented)
    if subscribe and subscribe.state is CallState.ACCEPTED and subscribe.message:
        # taken without the phone number
        return [channel for channel in logged.consented if channel in _by_phone(logged)]
    return []


def _reached(logged: LoggedSignUp) -> list[str] | None:
    """The contacts, masked, that the news can reach; None where it can't reach anybody."""
    reachable = set(_by_phone(logged)) - set(_unrecorded(logged))
    phone = logged.phone_masked if reachable and not _phone_dropped(logged) else None
    if logged.channels and not phone and logged.email_masked is None:
        return None
    contacts = (logged.email_masked, phone)
    return [each for each in contacts if each]
