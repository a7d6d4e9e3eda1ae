"""Prices as shoppers read them, in the language of the page."""

from __future__ import annotations

from decimal import Decimal

from babel import Locale
from babel.numbers import format_currency
from flask_babel import get_locale

CURRENCY = "GBP"


def money(amount: Decimal) -> str:
    """`£148`, or `£9.50` where there are pence; `148\u00a0£` in German."""
    locale = get_locale() or Locale.parse("en")
    pattern = locale.currency_formats["standard"].pattern
    if amount == amount.to_integral_value():
        pattern = pattern.replace("0.00", "0")
    return format_currency(amount, CURRENCY, pattern, locale=locale, currency_digits=False)
