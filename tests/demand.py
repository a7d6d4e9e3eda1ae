"""Requests put straight into the sign-up log, for tests that need many of them, or old ones."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from notify_me import metadata

PREFIX = "$custom:::$default:::"
"""Before each SKU in the demo shop's composite IDs."""


def asked(engine: sa.Engine, skus: Sequence[str], people: int, age: timedelta) -> None:
    """So many people asked, each by SMS for one of the SKUs in turn, and Klaviyo took it."""
    made = datetime.now(UTC) - age
    sign_ups: list[dict[str, Any]] = [
        {
            "id": f"{skus[0][:12]}{made:%d%f}-{number}",
            "created_at": made,
            "mode": "server",
            "channels": ["SMS"],
            "phone_hmac": f"{number}",
        }
        for number in range(people)
    ]
    calls = [
        {
            "sign_up_id": each["id"],
            "position": 0,
            "operation": "create_back_in_stock_subscription",
            "variant": f"{PREFIX}{skus[number % len(skus)]}",
            "state": "accepted",
            "message": "",
            "code": "",
            "error_id": "",
        }
        for number, each in enumerate(sign_ups)
    ]
    with engine.begin() as connection:
        connection.execute(metadata.tables["notify_me_sign_up"].insert(), sign_ups)
        connection.execute(metadata.tables["notify_me_call"].insert(), calls)
