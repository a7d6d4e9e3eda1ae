"""`/checkout` without payment, and `/orders/<reference>`, the order's page."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from flask import url_for as url
from flask_babel import get_locale
from flask_babel import lazy_gettext as N_
from werkzeug.wrappers import Response as BaseResponse
from wtforms import Form, HiddenField, StringField, TextAreaField
from wtforms.i18n import get_translations
from wtforms.validators import DataRequired, Email, Length, Regexp

from ..base.database import db
from ..catalog import queries, restocking
from . import cart, orders

blueprint = Blueprint("checkout", __name__)


def _strip(text: str | None) -> str | None:
    return text.strip() if text else text


class CheckoutForm(Form):
    """Where the order goes."""

    class Meta:
        """WTForms' own words, in the language of the page."""

        def get_translations(self, form: Form) -> Any:
            """WTForms' catalog."""
            return get_translations([str(get_locale())])

    reference = HiddenField(validators=[Regexp(r"^[A-Za-z0-9_-]{43}$")])
    name = StringField(
        N_("Name"),
        filters=[_strip],
        validators=[DataRequired(N_("Please tell us your name.")), Length(max=120)],
    )
    email = StringField(
        N_("Email"),
        filters=[_strip],
        validators=[
            DataRequired(N_("Please tell us where to send the confirmation.")),
            Email(N_("That doesn't look like an email address: name@example.com is one.")),
            Length(max=254),
        ],
    )
    address = TextAreaField(
        N_("Address"),
        filters=[_strip],
        validators=[DataRequired(N_("Please tell us where to send the parcel.")), Length(max=500)],
    )


@blueprint.get("/checkout")
def show() -> BaseResponse:
    """The form; an empty cart leads back to the cart."""
    lines = cart.lines(cart.read())
    if not lines or any(line.short for line in lines):
        return redirect(url("cart.show"), code=303)
    return _page(CheckoutForm(reference=_new_reference()), lines)


@blueprint.post("/checkout")
def place() -> BaseResponse:
    """Place the order; what is sold out by now is told on the page, and nothing is ordered."""
    form = CheckoutForm(request.form)
    lines = cart.lines(cart.read())
    if not lines:
        known = orders.find(db.session, form.reference.data or "")
        return _done(known.reference) if known else redirect(url("cart.show"), code=303)
    if not form.validate():
        if form.reference.errors:
            form.reference.data = _new_reference()
        return _page(form, lines, status=422)
    delivery = orders.Delivery(form.name.data or "", form.email.data or "", form.address.data or "")
    try:
        leave_word = restocking.leave_word(line.variant for line in lines)
        orders.place(db.session, form.reference.data or "", lines, delivery, leave_word)
    except orders.OutOfStock:
        return _page(form, cart.lines(cart.read()), status=409)
    response = _done(form.reference.data or "")
    cart.write(response, {})
    return response


@blueprint.get("/orders/<reference>")
def order(reference: str) -> Response:
    """The confirmation.

    :raise 404: there is no such order.
    """
    found = orders.find(db.session, reference)
    if found is None:
        abort(404)
    return _private(render_template("checkout/order.html", order=found))


def _new_reference() -> str:
    """Made before the order is placed: the same form sent twice then makes one order."""
    return secrets.token_urlsafe(32)


def _page(form: CheckoutForm, lines: list[cart.CartLine], status: int = 200) -> Response:
    short = [line for line in lines if line.short]
    page = render_template(
        "checkout/checkout.html",
        form=form,
        lines=lines,
        subtotal=cart.subtotal(lines),
        short=[(line, queries.kit_variant(line.variant)) for line in short],
    )
    return _private(page, status)


def _done(reference: str) -> BaseResponse:
    return redirect(url("checkout.order", reference=reference), code=303)


def _private(page: str, status: int = 200) -> Response:
    response = make_response(page, status)
    response.cache_control.private = True
    response.cache_control.no_store = True
    return response
