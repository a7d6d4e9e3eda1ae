"""`/checkout`, the order's page `/orders/<reference>`, and the link to a payment provider."""

from __future__ import annotations

import json
import secrets
from hashlib import sha256
from typing import Any, Protocol

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import get_locale
from flask_babel import lazy_gettext as N_
from werkzeug.wrappers import Response as BaseResponse
from wtforms import Form, HiddenField, StringField, TextAreaField
from wtforms.i18n import get_translations
from wtforms.validators import DataRequired, Email, Length, Regexp

from ..base.current_shop import refresh_if_possible, shop
from ..base.models import Order
from ..catalog import queries
from . import cart, orders

# WTForms' own message has no Arabic translation
TOO_LONG = N_("Enter at most %(max)d characters.")

blueprint = Blueprint("checkout", __name__)
# an import in another process may have changed the currency
blueprint.before_request(refresh_if_possible)


class PaymentProvider(Protocol):
    """A payment provider. To accept payments, set `app.config["PAYMENT"]` to such an object.

    Checkout stores the order and deducts its items from stock before the shopper pays.
    """

    def is_due(self, order: Order) -> bool:
        """Return whether the order must still be paid; if so, its page links to `pay`."""

    def start(self, order: Order) -> str:
        """Return the URL of the provider's page where the shopper pays for the order."""


def _strip(text: str | None) -> str | None:
    return text.strip() if text else text


class CheckoutForm(Form):
    """The delivery details of an order."""

    class Meta:
        """Translates WTForms' built-in messages into the page's language."""

        def get_translations(self, form: Form) -> Any:
            """Return WTForms' translations."""
            return get_translations([str(get_locale())])

    reference = HiddenField(validators=[Regexp(r"^[A-Za-z0-9_-]{43}$")])
    shown = HiddenField()
    """A hash of the items and prices that the page shows."""
    name = StringField(
        N_("Name"),
        filters=[_strip],
        validators=[DataRequired(N_("Enter your name.")), Length(max=120, message=TOO_LONG)],
    )
    email = StringField(
        N_("Email"),
        filters=[_strip],
        validators=[
            DataRequired(N_("Enter your email address.")),
            Email(N_("Enter a full email address, like name@example.com.")),
            Length(max=254, message=TOO_LONG),
        ],
    )
    address = TextAreaField(
        N_("Delivery address"),
        filters=[_strip],
        validators=[
            DataRequired(N_("Enter your delivery address.")),
            Length(max=500, message=TOO_LONG),
        ],
    )


@blueprint.get("/checkout")
def show() -> BaseResponse:
    """Show the checkout form; if the cart is empty or exceeds the stock, redirect to the cart.

    A shop may set `CHECKOUT_DEFAULTS` in the app's config to a function that returns values for
    the form's fields, such as the address of a signed-in shopper.
    """
    lines = cart.lines(cart.read())
    if not lines or any(line.exceeds_stock for line in lines):
        return redirect(url_for("cart.show"), code=303)
    defaults = current_app.config.get("CHECKOUT_DEFAULTS", dict)()
    return _page(CheckoutForm(reference=_new_reference(), **defaults), lines)


@blueprint.post("/checkout")
def place() -> BaseResponse:
    """Place the order and redirect to its page; 422 for invalid details, 409 if stock ran out, or
    if the order differs from the one on the page: a price or the cart in another tab has changed.
    """
    form = CheckoutForm(request.form)
    reference = form.reference.data or ""
    lines = cart.lines(cart.read())
    if not lines:
        # if the form was submitted twice, the first request emptied the cart
        order = orders.find(reference)
        return _redirect_to_order(reference) if order else redirect(url_for("cart.show"), code=303)
    if not form.validate():
        if form.reference.errors:
            form.reference.data = _new_reference()
        return _page(form, lines, status=422)
    if _has_changed(form, lines):
        return _page(form, lines, status=409)
    try:
        orders.place(
            reference,
            lines,
            name=form.name.data or "",
            email=form.email.data or "",
            address=form.address.data or "",
        )
    except orders.OutOfStock:
        return _page(form, cart.lines(cart.read()), status=409)
    response = _redirect_to_order(reference)
    cart.write(response, {})
    return response


@blueprint.get("/orders/<reference>")
def order(reference: str) -> Response:
    """Show the order confirmation.

    :raise 404: there is no such order.
    """
    order = orders.find(reference)
    if order is None:
        abort(404)
    provider = _payment_provider()
    is_due = provider is not None and provider.is_due(order)
    return _private(render_template("checkout/order.html", order=order, payment_is_due=is_due))


@blueprint.get("/orders/<reference>/pay")
def pay(reference: str) -> BaseResponse:
    """Redirect to the provider's page if the payment is due, otherwise to the order's page.

    The order's page links here, because `form-action` in the security policy prevents a redirect
    from the checkout form to another site.

    :raise 404: there is no such order, or no payment provider.
    """
    order, provider = orders.find(reference), _payment_provider()
    if order is None or provider is None:
        abort(404)
    if not provider.is_due(order):
        return _redirect_to_order(reference)
    return redirect(provider.start(order), code=303)


def takes_payment() -> bool:
    """Return whether the shop has a payment provider."""
    return _payment_provider() is not None


def _payment_provider() -> PaymentProvider | None:
    return current_app.config.get("PAYMENT")


def _new_reference() -> str:
    """Return a reference for the form, so that submitting it twice creates only one order."""
    return secrets.token_urlsafe(32)


def _shown(lines: list[cart.CartLine]) -> str:
    items = [(line.variant.sku, line.quantity, str(line.variant.price)) for line in lines]
    return sha256(json.dumps([shop().currency, *items]).encode()).hexdigest()


def _has_changed(form: CheckoutForm, lines: list[cart.CartLine]) -> bool:
    # a fork's own template may lack the field
    return bool(form.shown.data) and form.shown.data != _shown(lines)


def _page(form: CheckoutForm, lines: list[cart.CartLine], status: int = 200) -> Response:
    has_changed = _has_changed(form, lines)
    form.shown.data = _shown(lines)
    page = render_template(
        "checkout/checkout.html",
        form=form,
        has_changed=has_changed,
        has_expired=bool(form.reference.errors),
        lines=lines,
        subtotal=cart.subtotal(lines),
        unavailable=[
            (line, queries.kit_variant(line.variant)) for line in lines if line.exceeds_stock
        ],
    )
    return _private(page, status)


def _redirect_to_order(reference: str) -> BaseResponse:
    return redirect(url_for("checkout.order", reference=reference), code=303)


def _private(page: str, status: int = 200) -> Response:
    response = make_response(page, status)
    response.cache_control.private = True
    response.cache_control.no_store = True
    return response
