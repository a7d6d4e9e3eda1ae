"""What email-validator says of an address, in the language of the request."""

from __future__ import annotations

from ..i18n.catalogs import N_, SOURCE_LOCALE
from ..i18n.locales import current_locale
from ..i18n.text import gettext

SENTENCES = (
    N_("An email address must have an @-sign."),
    N_("There must be something before the @-sign."),
    N_("There must be something after the @-sign."),
    N_("The part after the @-sign is not valid. It should have a period."),
    N_("The part after the @-sign is not valid. It is not within a valid top-level domain."),
    N_("An email address cannot start with a period."),
    N_("An email address cannot have two periods in a row."),
    N_("An email address cannot have a period immediately before the @-sign."),
    N_("An email address cannot have a period immediately after the @-sign."),
    N_("An email address cannot end with a period."),
    N_("An email address cannot have a hyphen immediately after the @-sign."),
    N_("An email address cannot end with a hyphen."),
    N_("An email address cannot have a period and a hyphen next to each other."),
)
"""Those of its sentences that a slip of the finger leads to, word for word."""
OTHER = N_("This email address isn't valid. Please check it.")
"""For all others: they name characters and lengths."""


def translate_email_error(said: str) -> str:
    """The sentence as the shopper reads it: `said` in English, else its translation."""
    if str(current_locale()) == SOURCE_LOCALE:
        return said
    return gettext(said if said in SENTENCES else OTHER)
