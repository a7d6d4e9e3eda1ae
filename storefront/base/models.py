"""The shop's tables: products, orders, the last import, the merchant's sessions and Studio looks.

Relationships are `lazy="raise"`: a query must name what it loads, so that no page can accidentally
run a query for each row.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NotRequired, TypedDict

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from notify_me import InventoryPolicy

Money = sa.Numeric(14, 3)
"""Wide enough for every currency: some have three decimals; in others, prices run into billions."""


class Base(DeclarativeBase):
    """Base of the shop's models, with the same constraint names on every database."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class OptionValue(TypedDict):
    """One value of an option, such as Kelp, and its `#rrggbb` if it is a colour."""

    name: str
    swatch: str | None


class Visibility(StrEnum):
    """Where a product appears. Its page can always be opened at its URL."""

    VISIBLE = "visible"
    CATALOG = "catalog"
    """In the listing, but not in search results."""
    SEARCH = "search"
    """In search results, but not in the listing."""
    HIDDEN = "hidden"


class Picture(TypedDict):
    """A picture of a product: its URL on the merchant's platform, and the shop's copies of it."""

    url: str
    alt: str
    """The alternative text; may be empty."""
    file: NotRequired[str]
    """The file name of the copies, without size and extension; see `catalog.pictures`."""
    width: NotRequired[int]
    height: NotRequired[int]
    """The size of the largest copy, in pixels."""


class Product(Base):
    """A product, sold as one or more variants."""

    __tablename__ = "shop_product"

    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(sa.String(255), unique=True)
    title: Mapped[str] = mapped_column(sa.String(255))
    vendor: Mapped[str] = mapped_column(sa.String(255), default="")
    """The brand or maker; empty for the shop's own products."""
    gloss: Mapped[str] = mapped_column(sa.String(200))
    """The line below the title, such as what the name means; may be empty."""
    category: Mapped[str] = mapped_column(sa.String(40))
    summary: Mapped[str] = mapped_column(sa.String(200))
    description: Mapped[list[str]] = mapped_column(sa.JSON)
    """Paragraphs of plain text; empty if there is `description_html`."""
    description_html: Mapped[str] = mapped_column(sa.Text, default="")
    """The description of an imported product: HTML that is safe to show."""
    details: Mapped[list[str]] = mapped_column(sa.JSON)
    tags: Mapped[list[str]] = mapped_column(sa.JSON)
    drawing: Mapped[str] = mapped_column(sa.String(40))
    colour: Mapped[str] = mapped_column(sa.String(7))
    pictures: Mapped[list[Picture]] = mapped_column(sa.JSON, default=list)
    """The pictures of an imported product, in order."""
    visibility: Mapped[str] = mapped_column(sa.String(8), default=Visibility.VISIBLE)
    """One of `Visibility`."""
    position: Mapped[int]
    search_text: Mapped[str] = mapped_column(sa.Text)
    """The text that searches match: see `browsing.build_search_text`."""

    options: Mapped[list[ProductOption]] = relationship(
        order_by="ProductOption.position", cascade="all, delete-orphan", lazy="raise"
    )
    variants: Mapped[list[ProductVariant]] = relationship(
        back_populates="product",
        order_by="ProductVariant.position",
        cascade="all, delete-orphan",
        lazy="raise",
    )

    __table_args__ = (
        # for the listing's sort orders, with the ID that breaks ties
        sa.Index("ix_shop_product_position_id", "position", "id"),
        sa.Index("ix_shop_product_category_position_id", "category", "position", "id"),
        sa.Index("ix_shop_product_title_id", "title", "id"),
    )


class ProductOption(Base):
    """An option of a product, such as Colour, with its values in order."""

    __tablename__ = "shop_option"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.ForeignKey("shop_product.id"), index=True)
    name: Mapped[str] = mapped_column(sa.String(255))
    position: Mapped[int]
    values: Mapped[list[OptionValue]] = mapped_column(sa.JSON)


class ProductVariant(Base):
    """A product with a value selected for each option: what a shopper buys."""

    __tablename__ = "shop_variant"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(sa.ForeignKey("shop_product.id"), index=True)
    sku: Mapped[str] = mapped_column(sa.String(255), unique=True)
    external_id: Mapped[str] = mapped_column(
        sa.String(255),
        unique=True,
        default=lambda context: context.get_current_parameters()["sku"],
    )
    """The variant's ID in Klaviyo's catalog: its ID on the shop's platform; by default, its SKU."""
    position: Mapped[int]
    values: Mapped[list[str]] = mapped_column(sa.JSON)
    """The selected value of each of the product's options, in the options' order."""
    picture: Mapped[str] = mapped_column(sa.String(2048), default="")
    """The URL of the variant's own picture, one of the product's `pictures`; may be empty."""
    price: Mapped[Decimal] = mapped_column(Money)
    quantity: Mapped[int | None]
    """How many are in stock. None: not tracked. Negative: owed to pre-orders."""
    policy: Mapped[InventoryPolicy] = mapped_column(
        sa.Enum(InventoryPolicy, native_enum=False, length=16)
    )

    # no query is needed if the product is already loaded
    product: Mapped[Product] = relationship(back_populates="variants", lazy="raise_on_sql")

    @property
    def title(self) -> str:
        """The selected values: `Kelp / M`; empty without options."""
        return " / ".join(self.values)

    @property
    def full_title(self) -> str:
        """The product's title and the selected values: `Parka (Kelp / M)`."""
        return f"{self.product.title} ({self.title})" if self.title else self.product.title

    @property
    def drawing_color(self) -> str:
        """The colour of this variant's drawing; the product's options must be loaded."""
        for option, selected in zip(self.product.options, self.values, strict=True):
            for value in option.values:
                if value["name"] == selected and value["swatch"]:
                    return value["swatch"]
        return self.product.colour


class Order(Base):
    """An order and its delivery address."""

    __tablename__ = "shop_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(sa.String(43), unique=True)
    """A random token: anyone who knows it can read the order."""
    placed_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), default=lambda: datetime.now(UTC), index=True
    )
    name: Mapped[str] = mapped_column(sa.String(120))
    email: Mapped[str] = mapped_column(sa.String(254))
    address: Mapped[str] = mapped_column(sa.String(500))
    total: Mapped[Decimal] = mapped_column(Money)
    currency: Mapped[str] = mapped_column(sa.String(3), default="", server_default="")
    """The currency of the total and the lines (ISO 4217); an import may change the shop's currency.
    Empty for orders from before this column was added.
    """

    lines: Mapped[list[OrderLine]] = relationship(
        order_by="OrderLine.id", cascade="all, delete-orphan", lazy="raise"
    )


class OrderLine(Base):
    """A line of an order. It has its own title and price, since those in the catalog may change."""

    __tablename__ = "shop_order_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(sa.ForeignKey("shop_order.id"), index=True)
    sku: Mapped[str] = mapped_column(sa.String(255))
    title: Mapped[str] = mapped_column(sa.Text)
    price: Mapped[Decimal] = mapped_column(Money)
    quantity: Mapped[int]
    signed_up_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True), index=True)
    """When the shopper last signed up for an alert for this variant; None if they never did."""
    is_pre_order: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    """Whether some of the items weren't in stock; False for orders from before this column was
    added.
    """


class Import(Base):
    """The import that the products come from; no row for the shop's own catalog."""

    __tablename__ = "shop_import"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[str] = mapped_column(sa.String(255))
    imported_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), default=lambda: datetime.now(UTC)
    )
    categories: Mapped[list[tuple[str, str]]] = mapped_column("departments", sa.JSON)
    """The slug and name of each category, in menu order."""
    shop_name: Mapped[str | None] = mapped_column(sa.String(80))
    """The name of the shop that the products belong to; None: as in `shop.toml`."""
    currency: Mapped[str | None] = mapped_column(sa.String(3))
    """The currency of the prices (ISO 4217); None: as in `shop.toml`."""
    picture_origins: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    """The servers that pages load pictures from, such as `https://cdn.example.com`; empty if the
    shop serves copies of the pictures.
    """


class CatalogVersion(Base):
    """The version of the catalog and stock, in one row; triggers replace it on every change."""

    __tablename__ = "shop_catalog_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(sa.BigInteger)
    """A number that no earlier state of the catalog has had."""


class MerchantSession(Base):
    """A merchant's session, from sign-in to sign-out."""

    __tablename__ = "shop_merchant_session"

    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    """The SHA-256 hash of the ID in the cookie."""
    started_at: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True))


class Look(Base):
    """The settings that a visitor changed in the Studio. The ID is a hash of the changes."""

    __tablename__ = "shop_look"

    id: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    changes: Mapped[str] = mapped_column(sa.Text)
    """JSON: changed settings by dotted key."""
    last_saved_at: Mapped[datetime] = mapped_column(
        "created_at", sa.DateTime(timezone=True), default=lambda: datetime.now(UTC), index=True
    )
    """When a visitor last saved the look, which is deleted after `studio.looks.LIFETIME`."""
