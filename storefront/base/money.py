"""Prices as shoppers read them, in the language of the page."""

from __future__ import annotations

from decimal import Decimal

from babel import Locale
from babel.numbers import format_currency, get_currency_symbol
from flask_babel import get_locale

CURRENCY = "GBP"
SIGN = get_currency_symbol(CURRENCY, "en_GB")
"""The shop's own sign for it: abroad it has other ones, such as `£GB`, that read worse."""


def money(amount: Decimal) -> str:
    """`£148`, or `£9.50` where there are pence; `148 £` in German."""
    locale = get_locale() or Locale.parse("en")
    pattern = locale.currency_formats["standard"].pattern.replace("¤", SIGN)
    if amount == amount.to_integral_value():
        pattern = pattern.replace("0.00", "0")
    return format_currency(amount, CURRENCY, pattern, locale=locale, currency_digits=False)
