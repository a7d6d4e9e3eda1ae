"""Vendor, HTML description and pictures of products, and longer columns for imported values."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "shop_0004"
down_revision = "shop_0003"
branch_labels = None
depends_on = None

ADDED_COLUMNS = (
    ("shop_product", sa.Column("vendor", sa.String(255), nullable=False, server_default="")),
    ("shop_product", sa.Column("description_html", sa.Text, nullable=False, server_default="")),
    ("shop_product", sa.Column("pictures", sa.JSON, nullable=False, server_default="[]")),
    (
        "shop_product",
        sa.Column("visibility", sa.String(8), nullable=False, server_default="visible"),
    ),
    ("shop_variant", sa.Column("picture", sa.String(2048), nullable=False, server_default="")),
)
CHANGED_TYPES = (
    ("shop_product", "handle", sa.String(80), sa.String(255)),
    ("shop_product", "title", sa.String(120), sa.String(255)),
    ("shop_option", "name", sa.String(40), sa.String(255)),
    ("shop_variant", "sku", sa.String(64), sa.String(255)),
    ("shop_variant", "external_id", sa.String(200), sa.String(255)),
    ("shop_variant", "price", sa.Numeric(10, 2), sa.Numeric(14, 3)),
    ("shop_order", "total", sa.Numeric(10, 2), sa.Numeric(14, 3)),
    ("shop_order_line", "sku", sa.String(64), sa.String(255)),
    ("shop_order_line", "title", sa.String(250), sa.Text()),
    ("shop_order_line", "price", sa.Numeric(10, 2), sa.Numeric(14, 3)),
)
"""Table, column, old and new type."""


def upgrade() -> None:
    """Add the columns, and widen others."""
    for table, column in ADDED_COLUMNS:
        op.add_column(table, column)
    # SQLite enforces no lengths, and changing a type there would copy the whole table
    if op.get_bind().dialect.name != "sqlite":
        for table, name, old, new in CHANGED_TYPES:
            op.alter_column(table, name, existing_type=old, type_=new)


def downgrade() -> None:
    """Drop the columns, and narrow the others; PostgreSQL refuses if a value doesn't fit."""
    for table, column in ADDED_COLUMNS:
        op.drop_column(table, column.name)
    if op.get_bind().dialect.name != "sqlite":
        for table, name, old, new in CHANGED_TYPES:
            op.alter_column(table, name, existing_type=new, type_=old)
