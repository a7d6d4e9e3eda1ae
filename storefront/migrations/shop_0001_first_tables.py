"""Tables for products, options, variants and orders."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "shop_0001"
down_revision = None
branch_labels = ("storefront",)
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "shop_product",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("handle", sa.String(80), nullable=False),
        sa.Column("title", sa.String(120), nullable=False),
        sa.Column("gloss", sa.String(200), nullable=False),
        sa.Column("category", sa.String(40), nullable=False),
        sa.Column("summary", sa.String(200), nullable=False),
        sa.Column("description", sa.JSON, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("tags", sa.JSON, nullable=False),
        sa.Column("drawing", sa.String(40), nullable=False),
        sa.Column("colour", sa.String(7), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("search_text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shop_product"),
        sa.UniqueConstraint("handle", name="uq_shop_product_handle"),
    )
    op.create_index("ix_shop_product_position_id", "shop_product", ["position", "id"])
    op.create_index(
        "ix_shop_product_category_position_id", "shop_product", ["category", "position", "id"]
    )
    op.create_index("ix_shop_product_title_id", "shop_product", ["title", "id"])
    op.create_table(
        "shop_option",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("product_id", sa.Integer, nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("values", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shop_option"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["shop_product.id"], name="fk_shop_option_product_id"
        ),
    )
    op.create_index("ix_shop_option_product_id", "shop_option", ["product_id"])
    op.create_table(
        "shop_variant",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("product_id", sa.Integer, nullable=False),
        sa.Column("sku", sa.String(64), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("values", sa.JSON, nullable=False),
        sa.Column("price", sa.Numeric(10, 2), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=True),
        sa.Column("policy", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shop_variant"),
        sa.UniqueConstraint("sku", name="uq_shop_variant_sku"),
        sa.ForeignKeyConstraint(
            ["product_id"], ["shop_product.id"], name="fk_shop_variant_product_id"
        ),
    )
    op.create_index("ix_shop_variant_product_id", "shop_variant", ["product_id"])
    op.create_table(
        "shop_order",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(43), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("address", sa.String(500), nullable=False),
        sa.Column("total", sa.Numeric(10, 2), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shop_order"),
        sa.UniqueConstraint("reference", name="uq_shop_order_reference"),
    )
    op.create_index("ix_shop_order_placed_at", "shop_order", ["placed_at"])
    op.create_table(
        "shop_order_line",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("order_id", sa.Integer, nullable=False),
        sa.Column("sku", sa.String(64), nullable=False),
        sa.Column("title", sa.String(250), nullable=False),
        sa.Column("price", sa.Numeric(10, 2), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_shop_order_line"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["shop_order.id"], name="fk_shop_order_line_order_id"
        ),
    )
    op.create_index("ix_shop_order_line_order_id", "shop_order_line", ["order_id"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("shop_order_line", "shop_order", "shop_variant", "shop_option", "shop_product"):
        op.drop_table(table)
