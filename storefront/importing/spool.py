"""A temporary database on disk, so that importing a large file needs little memory.

It groups the rows of each product, wherever they are in the file, finds duplicate values, and
stores the values from other files, such as stock, under the keys of their variants.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from .rows import Row

BATCH = 1000
"""The number of rows that are written at a time."""
_ENCODER = json.JSONEncoder(ensure_ascii=False)
_TABLES = """
CREATE TABLE product (key TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;
CREATE TABLE row (product INTEGER, line INTEGER, part INTEGER, fields TEXT,
    PRIMARY KEY (product, line, part)) WITHOUT ROWID;
CREATE TABLE left_out (product INTEGER PRIMARY KEY);
CREATE TABLE sku (sku TEXT, product INTEGER, fields INTEGER, PRIMARY KEY (sku, product, fields))
    WITHOUT ROWID;
CREATE TABLE seen (kind TEXT, value TEXT, line INTEGER, PRIMARY KEY (kind, value)) WITHOUT ROWID;
CREATE TABLE other_file_value (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key))
    WITHOUT ROWID;
"""


class Spool:
    """The rows of one import, in a temporary file that `close` deletes."""

    def __init__(self) -> None:
        # SQLite deletes a database without a name when it is closed
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = OFF")
        self._connection.executescript(_TABLES)
        self._connection.execute("BEGIN")
        self._batch: list[tuple[int, int, int, str]] = []
        self._skus: list[tuple[str, int, int]] = []
        self._last_product = ("", 0)
        self._product_count = 0
        self.row_count = 0

    def close(self) -> None:
        """Delete the temporary file."""
        self._connection.close()

    def add_row(self, product_key: str, row: Row) -> None:
        """Add a row of the product with this key."""
        if self._last_product[0] != product_key:
            self._last_product = product_key, self._product_number(product_key)
        fields = _ENCODER.encode(row.fields)
        # several rows may come from one line
        self._batch.append((self._last_product[1], row.line, self.row_count, fields))
        if row["sku"]:
            self._skus.append((row["sku"], self._last_product[1], hash(fields)))
        self.row_count += 1
        if len(self._batch) >= BATCH:
            self._write_batch()

    def products(self) -> Iterator[list[Row]]:
        """Yield the rows of each product, in the order in which the products first appear."""
        self._write_batch()
        rows = self._connection.execute(
            "SELECT product, line, fields FROM row ORDER BY product, line, part"
        )
        for _, group in groupby(rows, key=lambda row: row[0]):
            yield [Row(line, json.loads(fields)) for _, line, fields in group]

    def shared_keys(self, shorten: Callable[[str], str]) -> set[str]:
        """Return the results of `shorten` that the keys of several products have in common."""
        self._connection.create_function("shorten", 1, shorten)
        rows = self._connection.execute(
            "SELECT shorten(key) FROM product GROUP BY 1 HAVING COUNT(*) > 1"
        )
        return {key for (key,) in rows}

    def _product_number(self, key: str) -> int:
        added = self._connection.execute(
            "INSERT OR IGNORE INTO product VALUES (?, ?)", (key, self._product_count + 1)
        )
        if added.rowcount:
            self._product_count += 1
            return self._product_count
        row: tuple[int] = self._connection.execute(
            "SELECT number FROM product WHERE key = ?", (key,)
        ).fetchone()
        return row[0]

    def _write_batch(self) -> None:
        self._connection.executemany("INSERT INTO row VALUES (?, ?, ?, ?)", self._batch)
        self._connection.executemany("INSERT OR IGNORE INTO sku VALUES (?, ?, ?)", self._skus)
        self._batch.clear()
        self._skus.clear()

    def leave_out(self, product_key: str) -> None:
        """Ignore the SKUs of a product, such as those of a draft copied from another product."""
        number = self._product_number(product_key)
        self._connection.execute("INSERT INTO left_out VALUES (?)", (number,))

    def sku_count(self, sku: str) -> int:
        """Return how many rows of the file have this SKU, without the products left out. Identical
        rows of a product count once.
        """
        count: int
        [count] = self._connection.execute(
            "SELECT COUNT(*) FROM sku"
            " WHERE sku = ? AND product NOT IN (SELECT product FROM left_out)",
            (sku,),
        ).fetchone()
        return count

    def record_value(self, kind: str, value: str, line: int) -> int | None:
        """Store a value with its line, and return None. If the value is already stored, return the
        line on which it was first used.
        """
        added = self._connection.execute(
            "INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (kind, value, line)
        )
        if added.rowcount:
            return None
        row: tuple[int] = self._connection.execute(
            "SELECT line FROM seen WHERE kind = ? AND value = ?", (kind, value)
        ).fetchone()
        return row[0]

    def add_value_from_other_file(self, kind: str, keys: Iterable[str], value: str) -> None:
        """Store a value from another file under a variant's keys. If a key already has a different
        value, neither value is used.
        """
        self._connection.executemany(
            "INSERT INTO other_file_value VALUES (?, ?, ?) ON CONFLICT (kind, key)"
            " DO UPDATE SET value = iif(value = excluded.value, value, '')",
            [(kind, key, value) for key in keys],
        )

    def add_units(self, kind: str, keys: Iterable[str], units: int) -> None:
        """Add the units at one location to a variant's total."""
        self._connection.executemany(
            "INSERT INTO other_file_value VALUES (?, ?, ?) ON CONFLICT (kind, key)"
            " DO UPDATE SET value = CAST(value AS INTEGER) + CAST(excluded.value AS INTEGER)",
            [(kind, key, str(units)) for key in keys],
        )

    def value_in_other_file(self, kind: str, keys: Sequence[str]) -> str:
        """Return the value stored for the first of these keys that has one; empty if none has."""
        for key in keys:
            row = self._connection.execute(
                "SELECT value FROM other_file_value WHERE kind = ? AND key = ?", (kind, key)
            ).fetchone()
            if row and row[0] != "":
                return str(row[0])
        return ""
