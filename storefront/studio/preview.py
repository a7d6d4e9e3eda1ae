"""The options of the Studio's preview: page, state, width, colour scheme, product and language."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa
from flask import url_for

from notify_me import InventoryPolicy
from notify_me.studio import LANGUAGES, PreviewState

from ..base.database import db
from ..base.models import Product, ProductVariant
from ..catalog.stock import AVAILABLE

STATES = {
    "button": "Button",
    "form": "Form",
    "errors": "Errors",
    "done": "Confirmation",
    "cards": "Listing",
}
"""The kit's states on a product page, and the listing."""
WIDTHS = {"phone": "Phone", "desktop": "Desktop"}
SCHEMES = {"light": "Light", "dark": "Dark"}
LEVELS = {"basic": "Basic", "advanced": "Advanced"}
"""How many settings the panel shows."""
MAX_VARIANTS = 200
"""How many sold-out variants are read to find products for the preview."""


@dataclass(frozen=True, slots=True)
class PreviewOptions:
    """A visitor's choices for the preview."""

    state: str
    width: str
    scheme: str
    product: str
    language: str
    level: str

    @classmethod
    def of(
        cls,
        fields: Mapping[str, str],
        products: Mapping[str, object],
        languages: Sequence[str] = LANGUAGES,
    ) -> PreviewOptions:
        """Read the options from a form or a query string, with defaults for missing or unknown
        values.
        """

        def choice(name: str, choices: Container[str], default: str) -> str:
            value = fields.get(name, "")
            return value if value in choices else default

        return cls(
            state=choice("state", STATES, "form"),
            width=choice("width", WIDTHS, "desktop"),
            scheme=choice("scheme", SCHEMES, "light"),
            product=choice("product", products, next(iter(products), "")),
            language=choice("language", languages, languages[0]),
            level=choice("level", LEVELS, "basic"),
        )

    @property
    def kit_state(self) -> PreviewState:
        """The state in which the kit renders its form."""
        return "button" if self.state == "cards" else cast(PreviewState, self.state)

    def studio_url(self) -> str:
        """Return the URL of the Studio with this preview."""
        return url_for(
            "studio.show",
            state=self.state,
            width=self.width,
            scheme=self.scheme,
            product=self.product,
            language=self.language,
            level=self.level,
        )

    def frame_url(self, look: str) -> str:
        """Return the URL of the previewed page. A new look changes the URL, so the page reloads."""
        return url_for(
            "studio.preview",
            state=self.state,
            product=self.product,
            lang=self.language,
            scheme=self.scheme,
            look=look,
        )


def sold_out_products() -> dict[str, tuple[str, str]]:
    """Return the products that have a sold-out variant, by handle: the product's title, and the SKU
    of its first sold-out variant.
    """
    query = (
        sa.select(Product.handle, Product.title, ProductVariant.sku)
        .join(ProductVariant, ProductVariant.product_id == Product.id)
        .where(~AVAILABLE)
        .order_by(Product.position, Product.id, ProductVariant.position)
        .limit(MAX_VARIANTS)
    )
    products: dict[str, tuple[str, str]] = {}
    for handle, title, sku in db.session.execute(query):
        products.setdefault(handle, (title, sku))
    return products


@contextmanager
def one_product_sold_out() -> Iterator[str | None]:
    """Yield the category of a product that is completely sold out, so that its card has a button;
    None if there are no products.

    If no product is completely sold out, the stock of one is set to zero until the context ends;
    products that already have a sold-out variant are preferred. The change is never committed.
    """
    available = sa.select(ProductVariant.id).where(
        ProductVariant.product_id == Product.id, AVAILABLE
    )
    sold_out = sa.select(ProductVariant.id).where(
        ProductVariant.product_id == Product.id, ~AVAILABLE
    )
    row = db.session.execute(
        sa.select(Product.id, Product.category, available.exists())
        .order_by(available.exists(), sold_out.exists().desc(), Product.position, Product.id)
        .limit(1)
    ).first()
    if row is None:
        yield None
        return
    product_id, category, is_available = row
    try:
        if is_available:
            db.session.execute(
                sa.update(ProductVariant)
                .where(ProductVariant.product_id == product_id)
                .values(quantity=0, policy=InventoryPolicy.DENY)
            )
        yield category
    finally:
        db.session.rollback()
