"""Determines the currency of a file's prices, from its columns or from symbols in the prices."""

from __future__ import annotations

import re
from collections.abc import Iterable

from babel import Locale
from babel.numbers import get_territory_currencies, list_currencies

SYMBOLS = {
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "円": "JPY",
    "₩": "KRW",
    "원": "KRW",
    "₫": "VND",
    "₺": "TRY",
    "TL": "TRY",
    "₴": "UAH",
    "₦": "NGN",
    "₱": "PHP",
    "₪": "ILS",
    "฿": "THB",
    "₽": "RUB",
    "zł": "PLN",
    "Kč": "CZK",
    "Ft": "HUF",
    "Fr": "CHF",
    "Rp": "IDR",
    "RM": "MYR",
    "R$": "BRL",
    "US$": "USD",
    "CA$": "CAD",
    "C$": "CAD",
    "AU$": "AUD",
    "A$": "AUD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "S$": "SGD",
    "NT$": "TWD",
    "MX$": "MXN",
}
"""Symbols that stand for a single currency. $, ¥ and kr are ambiguous, so they aren't listed."""
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl", "pt", "sv", "da", "nb", "fi", "cs", "ja")
"""The name of a market is compared with the names of countries in these languages."""


def currency_of_columns(header: Iterable[str]) -> str | None:
    """Return the currency of the primary market of a Shopify export, if that market is a country.

    Every market has a column such as `Included / Poland`; all but the primary one also have a
    column such as `Price / Poland`.
    """
    names = list(header)
    markets = [name.partition(" / ")[2] for name in names if name.startswith("Included / ")]
    priced = {name.partition(" / ")[2] for name in names if name.startswith("Price / ")}
    for market in markets:
        if market not in priced and (territory := _territory(market)):
            currencies = get_territory_currencies(territory)
            return str(currencies[0]) if currencies else None
    return None


def _territory(name: str) -> str | None:
    for language in LANGUAGES:
        for code, territory in Locale(language).territories.items():
            if re.fullmatch("[A-Z]{2}", code) and territory.casefold() == name.casefold():
                return str(code)
    return None


def symbol_in_price(text: str) -> str:
    """Return the symbol or code in a price such as `12 €` or `EUR 12`; empty for a bare number."""
    return re.sub(r"[\d\s.,'’–—-]", "", text)


def currency_of_price(text: str) -> str | None:
    """Return the currency of a price such as `12 €` or `12 eur`, if its symbol is unambiguous."""
    symbol = symbol_in_price(text)
    if symbol in SYMBOLS:
        return SYMBOLS[symbol]
    return symbol.upper() if symbol.upper() in list_currencies() else None
