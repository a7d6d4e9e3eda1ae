"""What the shop's tests share: the shelf, and a look at a page."""

from __future__ import annotations

import html
import re

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from storefront import db
from storefront.base.models import ProductVariant


class Stock:
    """The shelf, behind the shop's back."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def set(self, sku: str, quantity: int | None) -> None:
        """Put so many pieces on the shelf; None: not managed."""
        update = sa.update(ProductVariant).where(ProductVariant.sku == sku)
        with self.app.app_context():
            db.session.execute(update.values(quantity=quantity))
            db.session.commit()

    def of(self, sku: str) -> int | None:
        """The pieces on the shelf."""
        with self.app.app_context():
            query = sa.select(ProductVariant.quantity).where(ProductVariant.sku == sku)
            return db.session.scalars(query).one()


class Page:
    """A page as a shopper has it."""

    def __init__(self, client: FlaskClient, url: str, status: int = 200) -> None:
        response = client.get(url)
        assert response.status_code == status, response.text
        self.html = response.text

    @property
    def text(self) -> str:
        """What can be read on it, in one line."""
        return words(self.html)

    @property
    def buying(self) -> str:
        """The markup of a product page's way to buy."""
        return self.html.split('<div class="buy">')[1].split('<div class="prose">')[0]

    def card(self, title: str) -> str:
        """The markup of a product's card."""
        cards: list[str] = re.findall(r'<li class="card">.*?</li>', self.html, re.DOTALL)
        [card] = [card for card in cards if f">{title}</a>" in card]
        return card

    def choice(self, name: str) -> str:
        """The link of an option's value, with its tags."""
        links: list[str] = re.findall(r'<a [^>]*class="chip.*?</a>', self.html, re.DOTALL)
        [link] = [link for link in links if f"<span>{html.escape(name)}</span>" in link]
        return link


def words(markup: str) -> str:
    """The text of some markup, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def href(markup: str) -> str:
    """The address of the first link in some markup."""
    found = re.search(r'href="([^"]*)"', markup)
    assert found, markup
    return html.unescape(found[1])
