"""Baseline pages for `benchmarks.pages`: bare Flask, and a simple product page written by hand,
once with constant data and once with two queries.
"""

from __future__ import annotations

import os
import sqlite3
import threading

from flask import Flask, render_template
from jinja2 import DictLoader
from wtforms import Form, StringField, validators

PAGE = """<!doctype html>
<html lang="en"><head><title>{{ product.title }}</title></head><body>
<nav>{% for name in categories %}<a href="/c/{{ name }}">{{ name }}</a>{% endfor %}</nav>
<h1>{{ product.title }}</h1><p>{{ product.text }}</p>
{% for name, values in options %}<fieldset><legend>{{ name }}</legend>
{% for value in values %}<a href="?variant={{ value }}">{{ value }}</a>{% endfor %}
</fieldset>{% endfor %}
<form method="post">{{ form.email.label }}{{ form.email(required=True) }}
<button>Notify me</button></form>
<ul>{% for card in related %}<li><a href="/p/{{ card.handle }}">
<img src="/i/{{ card.handle }}.svg" alt=""><b>{{ card.title }}</b> <i>{{ card.price }}</i></a></li>
{% endfor %}</ul></body></html>"""
OPTIONS = (("Colour", ("Red", "Green", "Blue")), ("Size", ("S", "M", "L", "XL")))
PRODUCTS = [
    {"handle": f"thing-{i}", "title": f"Thing {i}", "text": "x" * 900, "price": "10.00"}
    for i in range(50)
]

app = Flask(__name__)
app.jinja_loader = DictLoader({"page.html": PAGE})
_local = threading.local()


class EmailForm(Form):
    """The sign-up form on the product page."""

    email = StringField("Email", [validators.InputRequired()])


def _page(product: object, related: object) -> str:
    return render_template(
        "page.html",
        product=product,
        related=related,
        categories=("wear", "carry", "camp", "home"),
        options=OPTIONS,
        form=EmailForm(),
    )


def _rows(query: str, *values: str) -> list[sqlite3.Row]:
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(os.environ["HAND_WRITTEN_DATABASE"])
        _local.connection.row_factory = sqlite3.Row
    rows: list[sqlite3.Row] = _local.connection.execute(query, values).fetchall()
    return rows


def fill() -> None:
    """Create the database that `/queries` reads."""
    with sqlite3.connect(os.environ["HAND_WRITTEN_DATABASE"]) as connection:
        connection.execute("CREATE TABLE product (handle TEXT PRIMARY KEY, title, text, price)")
        connection.executemany(
            "INSERT INTO product VALUES (:handle, :title, :text, :price)", PRODUCTS
        )


@app.get("/")
def hello() -> str:
    """Return a minimal page: the baseline of Flask alone."""
    return "<p>Hello, World!</p>"


@app.get("/healthz")
def healthz() -> str:
    """Return `ok`, to show that the server has started."""
    return "ok\n"


@app.get("/constant")
def constant() -> str:
    """Return the page with constant data."""
    return _page(PRODUCTS[7], PRODUCTS[:4])


@app.get("/queries")
def queries() -> str:
    """Return the page with data from two queries."""
    [product] = _rows("SELECT * FROM product WHERE handle = ?", "thing-7")
    return _page(product, _rows("SELECT * FROM product LIMIT 4"))
