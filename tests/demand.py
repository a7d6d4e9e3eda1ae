"""Sign-ups inserted directly into the log, for tests that need many or old ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from notify_me.store.tables import Base

PREFIX = "$custom:::$default:::"
"""Prefix of the composite IDs in the demo shop."""


def insert_sign_ups(engine: sa.Engine, skus: Sequence[str], people: int, age: timedelta) -> None:
    """Insert accepted SMS sign-ups of this age, spread evenly over the SKUs."""
    created_at = datetime.now(UTC) - age
    sign_ups: list[dict[str, Any]] = [
        {
            "id": f"{skus[0][:12]}{created_at:%d%f}-{number}",
            "created_at": created_at,
            "mode": "server",
            "channels": ["SMS"],
            "phone_hmac": f"{number}",
        }
        for number in range(people)
    ]
    calls = [
        {
            "sign_up_id": sign_up["id"],
            "position": 0,
            "operation": "create_back_in_stock_subscription",
            "variant": f"{PREFIX}{skus[number % len(skus)]}",
            "state": "accepted",
            "message": "",
            "code": "",
            "error_id": "",
        }
        for number, sign_up in enumerate(sign_ups)
    ]
    with engine.begin() as connection:
        connection.execute(Base.metadata.tables["notify_me_sign_up"].insert(), sign_ups)
        connection.execute(Base.metadata.tables["notify_me_call"].insert(), calls)
