"""What the Studio's preview shows: which page of the shop, in which state, and how wide."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa
from flask import url_for

from notify_me.studio import LANGUAGES, PreviewState

from ..base.database import db
from ..base.models import Product, ProductVariant
from ..catalog.stock import BUYABLE

STATES = {
    "button": "Button",
    "form": "Form",
    "errors": "Errors",
    "done": "Done",
    "cards": "Listing",
}
"""The kit's states on a product page, and the listing with its cards."""
WIDTHS = {"phone": "Phone", "desktop": "Desktop"}
SCHEMES = {"light": "Light", "dark": "Dark"}


@dataclass(frozen=True, slots=True)
class Shown:
    """The preview that a visitor has chosen."""

    state: str
    width: str
    scheme: str
    product: str
    language: str

    @classmethod
    def of(
        cls,
        given: Mapping[str, str],
        handles: Mapping[str, object],
        languages: Sequence[str] = LANGUAGES,
    ) -> Shown:
        """From a form's or an address's fields; what they don't name is as at first."""
        product = given.get("product", "")
        return cls(
            state=_one(given.get("state", ""), STATES, "form"),
            width=_one(given.get("width", ""), WIDTHS, "desktop"),
            scheme=_one(given.get("scheme", ""), SCHEMES, "light"),
            product=product if product in handles else next(iter(handles), ""),
            language=_one(given.get("language", ""), languages, languages[0]),
        )

    @property
    def form_state(self) -> PreviewState:
        """The kit's state."""
        return "button" if self.state == "cards" else cast(PreviewState, self.state)

    def address(self) -> str:
        """The Studio's own address with this preview."""
        return url_for(
            "studio.show",
            state=self.state,
            width=self.width,
            scheme=self.scheme,
            product=self.product,
            language=self.language,
        )

    def frame(self, look: str) -> str:
        """The address of the page in the frame; a new one for each look, or it wouldn't reload."""
        return url_for(
            "studio.preview", state=self.state, product=self.product, lang=self.language, of=look
        )


def _one(given: str, choices: Container[str], first: str) -> str:
    return given if given in choices else first


def products() -> dict[str, tuple[str, str]]:
    """Title and sold-out variant of each product that has one, by its handle."""
    query = (
        sa.select(Product.handle, Product.title, ProductVariant.sku)
        .join(ProductVariant, ProductVariant.product_id == Product.id)
        .where(~BUYABLE)
        .order_by(Product.position, Product.id, ProductVariant.position)
        .limit(200)
    )
    found: dict[str, tuple[str, str]] = {}
    for handle, title, sku in db.session.execute(query):
        found.setdefault(handle, (title, sku))
    return found


def department() -> str | None:
    """The department with a product of which nothing is left, so that its card has a button."""
    of = sa.select(ProductVariant.id).where(ProductVariant.product_id == Product.id, BUYABLE)
    query = (
        sa.select(Product.category)
        .where(~of.exists())
        .order_by(Product.position, Product.id)
        .limit(1)
    )
    return db.session.scalar(query)
