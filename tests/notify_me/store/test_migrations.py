"""Upgrading a database that already has sign-ups in it."""

from __future__ import annotations

import time

import sqlalchemy as sa

from notify_me.store.migrate import migrate
from tests.notify_me.running_shop import MUG, Shop
from tests.support import Sandbox, eventually

PEOPLE = ("ada@example.org", "bob@example.org", "cleo@example.org")


def test_sign_ups_survive_the_renaming_of_states(db_shop: Shop, sandbox: Sandbox) -> None:
    """Accepted, queued and dead-lettered calls, consents and pauses stored under their old names
    are found again after the upgrade, and undelivered calls are delivered.
    """
    shopper = db_shop.app.test_client()
    for email in PEOPLE:
        shopper.post(MUG, data={"channels": "EMAIL", "email": email})
        sandbox.drill("503", times=None)
    migrate(db_shop.engine, "notify_me_0003")
    assert db_shop.counts() == {"taken": 1, "kept": 2}
    schema = "" if db_shop.engine.dialect.name == "sqlite" else "notify_me_queue."
    [(sign_up_id, job)] = db_shop.rows(
        "SELECT c.sign_up_id, w.workflow_uuid FROM notify_me_call c "
        f"JOIN {schema}workflow_status w ON w.workflow_uuid LIKE c.sign_up_id || '%' LIMIT 1"
    )
    with db_shop.engine.begin() as connection:
        # version 0.1 recorded its revision in the shop's own table
        for statement in (
            "DROP TABLE notify_me_version",
            "CREATE TABLE alembic_version (version_num VARCHAR(32))",
            "INSERT INTO alembic_version VALUES ('notify_me_0003'), ('shop_0007')",
        ):
            connection.execute(sa.text(statement))
        for statement, values in (
            ("UPDATE notify_me_call SET state = 'parked' WHERE sign_up_id = :it", sign_up_id),
            (f"UPDATE {schema}workflow_status SET queue_name = 'notify_me_parked' "
             "WHERE workflow_uuid = :it", job),
            ("INSERT INTO notify_me_hold VALUES "
             "('update_catalog_variant', 'throttled', :it, 0, 'Fix it.')", time.time() + 600),
            ("INSERT INTO notify_me_consent (given_at, channel, state, contact_hmac, "
             "contact_masked, text, version, locale, list_id, custom_source) VALUES "
             "(CURRENT_TIMESTAMP, 'EMAIL', :it, '', '', '', '', '', '', '')", "taken"),
        ):  # fmt: skip
            connection.execute(sa.text(statement), {"it": values})

    assert db_shop.flask("upgrade") == "The tables are up to date.\n"

    assert db_shop.rows("SELECT version_num FROM alembic_version") == [("shop_0007",)]
    assert db_shop.counts() == {"accepted": 1, "queued": 1, "dead_lettered": 1}
    assert [pause["remedy"] for pause in db_shop.status()["paused"]] == ["Fix it."]
    assert db_shop.rows("SELECT state FROM notify_me_consent") == [("accepted",)]
    sandbox.end_drills()
    assert db_shop.flask("retry") == "calls queued again: 1\n"
    with db_shop.worker():
        eventually(db_shop.delivered)
    assert db_shop.addresses() == set(PEOPLE)
