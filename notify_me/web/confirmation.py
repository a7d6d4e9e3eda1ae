"""The confirmation's wording: how the shopper will be alerted, what failed, what to confirm."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.exceptions import NotFound

from ..channels import Channel
from ..context import current_settings, current_state
from ..form.contacts import readable_address
from ..form.phone import international
from ..i18n.catalogs import N_
from ..i18n.text import gettext, localized_list
from ..klaviyo.calls import SignUp
from ..klaviyo.outcomes import UNAVAILABLE
from ..store.logged import LoggedSignUp
from .correction import corrections
from .placeholders import fill_placeholders
from .product import Product, form_url

EMAIL, SMS, WHATSAPP = Channel.EMAIL, Channel.SMS, Channel.WHATSAPP

# a whole sentence for each combination of channels, since word order differs between languages
ALERT = {
    frozenset[Channel](): N_("We’ll let you know as soon as %(products)s is back in stock."),
    frozenset({EMAIL}): N_("We’ll email %(email)s as soon as %(products)s is back in stock."),
    frozenset({SMS}): N_("We’ll text %(phone)s as soon as %(products)s is back in stock."),
    frozenset({WHATSAPP}): N_(
        "We’ll message %(phone)s on WhatsApp as soon as %(products)s is back in stock."
    ),
    frozenset({EMAIL, SMS}): N_(
        "We’ll email %(email)s and text %(phone)s as soon as %(products)s is back in stock."
    ),
    frozenset({EMAIL, WHATSAPP}): N_(
        "We’ll email %(email)s and message %(phone)s on WhatsApp as soon as %(products)s is back "
        "in stock."
    ),
    frozenset({SMS, WHATSAPP}): N_(
        "We’ll send a text and a WhatsApp message to %(phone)s as soon as %(products)s is back in "
        "stock."
    ),
    frozenset({EMAIL, SMS, WHATSAPP}): N_(
        "We’ll email %(email)s and send a text and a WhatsApp message to %(phone)s as soon as "
        "%(products)s is back in stock."
    ),
}
CONFIRM = {
    frozenset({EMAIL}): N_(
        "We’re sending you an email. Follow the link in it to join our email list."
    ),
    frozenset({SMS}): N_("We’re sending you a message. Reply to it to start receiving texts."),
    frozenset({WHATSAPP}): N_(
        "We’re sending you a message. Reply to it to start receiving WhatsApp messages."
    ),
    frozenset({SMS, WHATSAPP}): N_(
        "We’re sending you a text and a WhatsApp message. Reply to both to start receiving texts "
        "and WhatsApp messages."
    ),
    frozenset({EMAIL, SMS}): N_(
        "We’re sending you a text and an email. Reply to the text to start receiving texts, and "
        "follow the link in the email to join our email list."
    ),
    frozenset({EMAIL, WHATSAPP}): N_(
        "We’re sending you a WhatsApp message and an email. Reply to the WhatsApp message to start "
        "receiving WhatsApp messages, and follow the link in the email to join our email list."
    ),
    frozenset({EMAIL, SMS, WHATSAPP}): N_(
        "We’re sending you a text, a WhatsApp message and an email. Reply to the text and the "
        "WhatsApp message to start receiving texts and WhatsApp messages, and follow the link in "
        "the email to join our email list."
    ),
}


def confirmation(
    logged: LoggedSignUp, product: Product, sign_up: SignUp | None, *, simulated: bool = False
) -> dict[str, Any]:
    """Return the context of the `_done.html` template. Its `signed_up` lists the composite IDs
    whose buttons then show that the shopper is on the list. An ID that begins with `*` belongs to a
    product card's button, whose form offers all variants.

    Contacts are shown in full if `sign_up` is given, because the reply then goes to the person who
    typed them; otherwise they are masked. A simulated sign-up makes no call to Klaviyo.
    Raises `NotFound` when the sign-up has none of this product's variants.
    """
    variants = {str(variant.composite_id): variant for variant in product.variants}
    requested = [
        (variants[call.variant], call) for call in logged.calls if call.variant in variants
    ]
    if not requested:
        raise NotFound
    accepted = [variant for variant, call in requested if not call.failed]
    unrecorded, unrecorded_reason = _unrecorded_consent(logged)
    results = dict.fromkeys(logged.channels, "accepted")
    results |= dict.fromkeys(unrecorded, "no_consent") | dict.fromkeys(logged.refused, "refused")
    reachable = frozenset(
        channel
        for channel, result in results.items()
        if result == "accepted" or (result == "no_consent" and channel.info.identifier == "email")
    )
    first = (accepted or [requested[0][0]])[0]
    headline, alert_message = gettext("We couldn’t finish your sign-up"), ""
    # the page that confirms a simulated sign-up doesn't know its channels, but looks like any other
    confirmed = bool(accepted and (reachable or not logged.channels))
    if confirmed:
        email, phone = logged.email_masked, logged.phone_masked
        if sign_up is not None:
            email = sign_up.email and readable_address(sign_up.email)
            phone = sign_up.phone_number and international(sign_up.phone_number)
        headline = fill_placeholders(
            current_settings().modal.subscription_success_label,
            first,
            with_variant_name=len(requested) == 1,
        )
        alert_message = gettext(
            ALERT[reachable],
            products=localized_list([variant.full_title for variant in accepted], "or"),
            email=email or "",
            phone=phone or "",
        )
    default_reason = N_("We couldn’t sign you up for this one. Please try again later.")
    signed_up = [str(variant.composite_id) for variant in accepted] if confirmed else []
    if signed_up and "choose" in request.args:
        signed_up.append(f"*{product.variant.composite_id}")
    query = {name: request.args[name] for name in ("choose", "listed") if name in request.args}
    return {
        "variant": first,
        "headline": headline,
        "confirmed": confirmed,
        "alert_message": alert_message,
        "confirm_message": _confirm_message(logged, unrecorded, simulated=simulated),
        "failures": [
            gettext(
                "%(product)s: %(why)s",
                product=variant.full_title,
                why=gettext(call.message or default_reason),
            )
            for variant, call in requested
            if call.failed
        ],
        "signed_up": signed_up,
        "results": results,
        "refused": [gettext(channel.info.refused) for channel in sorted(logged.refused)],
        "unrecorded": [gettext(channel.info.not_recorded) for channel in unrecorded],
        "unrecorded_reason": unrecorded_reason,
        "action": form_url("notify_me.submit", product.variant.composite_id, **query),
        **corrections(logged.channels, [variant for variant, _ in requested], sign_up),
    }


def _unrecorded_consent(logged: LoggedSignUp) -> tuple[list[Channel], str]:
    """Return the channels that Klaviyo accepted without recording the consent, and the reason;
    empty if there are no such channels.
    """
    call = next((call for call in logged.calls if call.variant is None), None)
    channels = [channel for channel in logged.consented if channel not in logged.refused]
    if call is None or not call.failed or not channels:
        return [], ""
    # UNAVAILABLE would contradict the sign-up itself, which was just accepted
    has_reason = call.message not in ("", UNAVAILABLE)
    return channels, gettext(call.message if has_reason else N_("Please try again later."))


def _confirm_message(logged: LoggedSignUp, unrecorded: list[Channel], *, simulated: bool) -> str:
    """Return what the shopper must do if the list uses double opt-in; empty if it doesn't, or no
    consent was given.

    The text is the same for every contact, so that it doesn't disclose who is already on the list.
    """
    channels = frozenset(logged.consented) - logged.refused - set(unrecorded)
    if not channels:
        return ""
    double_opt_in = None if simulated else current_state().opt_in.is_double()
    if double_opt_in is None:
        return gettext(N_("You may get a message asking you to confirm your subscription."))
    return gettext(CONFIRM[channels]) if double_opt_in else ""
