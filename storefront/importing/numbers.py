"""Reads prices and quantities as people write them.

The comma in `1,299` can mark thousands or decimals, so `NumberFormat` looks at all prices of a file
first.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from babel.numbers import get_currency_precision

from .currencies import currency_of_price, symbol_in_price
from .problems import Problems

DecimalSeparator = Literal["comma", "point"]
SEPARATORS: dict[DecimalSeparator, str] = {"comma": ",", "point": "."}
PRICE_LIMIT = Decimal(10) ** 11
"""Prices must be below this to fit into the database."""
MAX_QUANTITY = 1_000_000_000
MAX_LENGTH = 60
"""The maximum length of a price or quantity. It is limited because the time for matching grows with
its square.
"""
# a currency symbol or code before or after the number: € 5, 5 kr, Rs. 5, US$5, 5,-
_NUMBER = re.compile(
    r"(?:(?:[^\W\d_]{1,3}\.?|[^\w\s.,+()%-])\s?){0,2}\s*"
    r"(?P<number>\d[\d.,'’\s]*?)(?:[.,:][-–—])?"
    r"(?:\s*(?:(?![kKM]\b)[^\W\d_]{1,4}\.?|[^\w\s.,+()%-]){1,2})?"
)
_ARABIC_SEPARATORS = {ord("٫"): ".", ord("٬"): ","}
_SPACES = re.compile(r"[\s'’]")
_PLAIN = re.compile(r"\d+(\.\d{1,2})?", re.ASCII)


@dataclass(slots=True)
class NumberFormat:
    """The decimal separator and the currency of a file's prices."""

    decimal_separator: DecimalSeparator | None = None
    """The merchant's choice, or else the result of `decide`."""
    currency: str | None = None
    """The currency whose symbol or code is in the prices."""
    shared_symbol: str = ""
    """The first symbol in the prices. Without a `currency`, it is ambiguous, such as `$`."""
    _evidence: dict[DecimalSeparator, tuple[int, str]] = field(default_factory=dict)
    _ambiguous: tuple[int, str] | None = None

    def learn_from(self, text: str, line: int) -> None:
        """Note the decimal separator and the currency of a price, if they are unambiguous."""
        text = _ascii_digits(text)
        if not text or len(text) > MAX_LENGTH:
            return
        # checked first, since this pattern is fast and matches most prices, such as 19.99
        if _PLAIN.fullmatch(text):
            if "." in text:
                self._evidence.setdefault("point", (line, text))
            return
        match = _NUMBER.fullmatch(text)
        if not match:
            return
        self.currency = self.currency or currency_of_price(text)
        self.shared_symbol = self.shared_symbol or symbol_in_price(text)
        number = _SPACES.sub("", match["number"])
        separator = _certain_separator(number) or _separator_with_currency(text, number)
        if separator:
            self._evidence.setdefault(separator, (line, text))
        elif self._ambiguous is None and re.search(r"[.,]", number):
            self._ambiguous = line, text

    def decide(self, problems: Problems) -> None:
        """Choose the decimal separator; add a problem if the prices are ambiguous."""
        if self.decimal_separator:
            return
        if len(self._evidence) == 2:
            (line, comma), (_, point) = self._evidence["comma"], self._evidence["point"]
            problems.add(
                line,
                f"some prices have a decimal comma ({comma}) and others a decimal point ({point}): "
                "choose one with --decimal comma or --decimal point",
            )
        elif not self._evidence and self._ambiguous:
            line, text = self._ambiguous
            problems.add(
                line,
                f"the separator in the price {text} could be a thousands separator or a decimal "
                "separator, and no other price settles it: use --decimal comma or --decimal point",
            )
        self.decimal_separator = next(iter(self._evidence), "point")

    def price(self, text: str) -> Decimal:
        """Return a price; raises `ValueError` if the text isn't one."""
        text = _ascii_digits(text)
        if len(text) > MAX_LENGTH:
            raise ValueError("too long")
        if _PLAIN.fullmatch(text) and self.decimal_separator != "comma":
            number = Decimal(text)
        else:
            match = _NUMBER.fullmatch(text)
            number = Decimal(self._plain(match["number"] if match else ""))
        if number >= PRICE_LIMIT:
            raise ValueError(text)
        return number.quantize(Decimal("0.001"))

    def quantity(self, text: str) -> int:
        """Return a quantity, ignoring decimals; raises `ValueError` if the text isn't one."""
        text = _ascii_digits(text)
        if len(text) > MAX_LENGTH:
            raise ValueError("too long")
        # such as 10, 10+ or >10
        match = re.fullmatch(r"([-−]?)\s*(\d[\d.,'’\s]*)\+?", text.removeprefix(">"))
        if not match:
            raise ValueError(text)
        units = int(Decimal(self._plain(match[2])))
        if units > MAX_QUANTITY:
            raise ValueError(text)
        return -units if match[1] else units

    def _plain(self, number: str) -> str:
        """Return digits with a decimal point; raises `ValueError` for anything else."""
        number = _SPACES.sub("", number)
        decimal = SEPARATORS[self.decimal_separator or "point"]
        thousands = "." if decimal == "," else ","
        whole, _, rest = number.partition(thousands)
        if decimal not in number and thousands not in rest and len(rest) not in (0, 3):
            # such as 4.50 in a file whose other prices have a decimal comma
            number = f"{whole}{decimal}{rest}"
        whole, _, decimals = number.partition(decimal)
        groups = whole.split(thousands)
        if len(groups) > 1 and not all(2 <= len(group) <= 3 for group in groups[1:]):
            raise ValueError(number)
        plain = "".join(groups) + "." + (decimals or "0")
        if not re.fullmatch(r"\d+\.\d+", plain, re.ASCII):
            raise ValueError(number)
        return plain


def _ascii_digits(text: str) -> str:
    """Return a number with ASCII digits instead of Arabic or full-width ones."""
    if text.isascii():
        return text
    characters = unicodedata.normalize("NFKC", text).translate(_ARABIC_SEPARATORS)
    return "".join(str(unicodedata.digit(char, char)) for char in characters)


def _separator_with_currency(text: str, number: str) -> DecimalSeparator | None:
    """Return the decimal separator of a price such as `¥3,200` or `KWD 3.200`; None for a price
    without a currency or a separator.

    If the currency has three decimals, the separator in the price is the decimal separator.
    Otherwise, it separates thousands, so the decimal separator must be the other character.
    """
    if text == number or not re.search(r"[.,]", number):
        return None
    separator: DecimalSeparator = "comma" if "," in number else "point"
    currency = currency_of_price(text)
    has_three_decimals = currency is not None and get_currency_precision(currency) == 3
    return separator if has_three_decimals else _other(separator)


def _certain_separator(number: str) -> DecimalSeparator | None:
    """Return the decimal separator of a number; None if the number has no separator, or if the
    separator is ambiguous.
    """
    last_comma, last_point = number.rfind(","), number.rfind(".")
    if last_comma >= 0 and last_point >= 0:
        return "comma" if last_comma > last_point else "point"
    separator: DecimalSeparator = "comma" if last_comma >= 0 else "point"
    parts = number.split(SEPARATORS[separator])
    if len(parts) > 2:
        # 1.234.567: the points separate thousands, so a decimal separator would be a comma
        return _other(separator)
    if len(parts) == 1:
        return None
    whole, decimals = parts
    # 0,500 and 1234,567 don't have groups of thousands
    is_group = len(decimals) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
    return None if is_group else separator


def _other(separator: DecimalSeparator) -> DecimalSeparator:
    return "point" if separator == "comma" else "comma"
