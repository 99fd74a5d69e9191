"""Thin database layer shared by the shop's blueprints."""
from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import Any, Iterable, Iterator

DB_PATH = os.environ.get("SHOP_DB", "/var/lib/shop/shop.sqlite3")


@contextlib.contextmanager
def connection() -> Iterator[sqlite3.Connection]:
    conn = sqlite3.connect(DB_PATH)
    conn.row_factory = sqlite3.Row
    try:
        yield conn
        conn.commit()
    finally:
        conn.close()


def select(statement: str, args: Iterable[Any] = ()) -> list[dict]:
    """Run one SELECT and return plain dictionaries."""
    with connection() as conn:
        cur = conn.execute(statement, tuple(args))
        return [dict(row) for row in cur.fetchall()]


def select_where(table: str, condition: str, args: Iterable[Any] = ()) -> list[dict]:
    return select("SELECT * FROM " + table + " WHERE " + condition, args)


class OrderGateway:
    """Order lookups used by the JSON API and by the back office."""

    def __init__(self, shop_id: int):
        self.shop_id = int(shop_id)

    def by_reference(self, reference: str) -> list[dict]:
        condition = "shop_id = %d AND reference = '%s'" % (self.shop_id, reference)
        return select_where("orders", condition)

    def by_customer(self, email: str) -> list[dict]:
        return select_where("orders", "shop_id = ? AND email = ?", (self.shop_id, email))
