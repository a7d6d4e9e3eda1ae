"""Helpers for the shop's tests: stock, and the parts of a page."""

from __future__ import annotations

import html
import re

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from storefront import db
from storefront.base.models import ProductVariant


class Stock:
    """Reads and sets stock in the database directly."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def set(self, sku: str, quantity: int | None) -> None:
        """Set the quantity of a variant; None: not tracked."""
        update = sa.update(ProductVariant).where(ProductVariant.sku == sku)
        with self.app.app_context():
            db.session.execute(update.values(quantity=quantity))
            db.session.commit()

    def of(self, sku: str) -> int | None:
        """Return the quantity of a variant."""
        with self.app.app_context():
            query = sa.select(ProductVariant.quantity).where(ProductVariant.sku == sku)
            return db.session.scalars(query).one()


class Page:
    """A page that has been fetched."""

    def __init__(self, client: FlaskClient, url: str, status: int = 200) -> None:
        response = client.get(url)
        assert response.status_code == status, response.text
        self.html = response.text

    @property
    def text(self) -> str:
        """The text on the page, on one line."""
        return text_of(self.html)

    @property
    def buying(self) -> str:
        """The markup around a product page's buttons."""
        return self.html.split('<div class="buy">')[1].split('<div class="prose">')[0]

    def card(self, title: str) -> str:
        """Return the markup of a product's card."""
        cards: list[str] = re.findall(r'<li class="card">.*?</li>', self.html, re.DOTALL)
        [card] = [card for card in cards if f">{title}</a>" in card]
        return card

    def choice(self, name: str) -> str:
        """Return the markup of the link to an option's value."""
        links: list[str] = re.findall(r'<a [^>]*class="chip.*?</a>', self.html, re.DOTALL)
        [link] = [link for link in links if f"<span>{html.escape(name)}</span>" in link]
        return link


def text_of(markup: str) -> str:
    """Return the text of some markup, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def href(markup: str) -> str:
    """Return the URL of the first link in some markup."""
    match = re.search(r'href="([^"]*)"', markup)
    assert match, markup
    return html.unescape(match[1])
