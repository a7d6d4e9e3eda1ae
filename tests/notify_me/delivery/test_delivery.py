"""Nothing acknowledged is lost: web and workers as processes of their own, on both databases."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from typing import Any

import pytest
import requests

from tests.notify_me.running_shop import QUICK, Postgres, Shop, acknowledged_and_lost, people
from tests.notify_me.small_shop import DATABASE
from tests.support import TIMEOUT, Sandbox, eventually

SUBSCRIBE = "create_back_in_stock_subscription"


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    """The shop on SQLite."""
    return make_shop()


def answers(sandbox: Sandbox, status: int) -> list[dict[str, Any]]:
    """The calls that the sandbox has answered so."""
    return [each for each in sandbox.requests() if each["status"] == status]


def test_an_outage_costs_nobody_a_sign_up(either: Shop, sandbox: Sandbox) -> None:
    """Shoppers are thanked while Klaviyo is away, and all of them arrive when it is back."""
    sandbox.drill("503", times=None)
    with either.web() as web, either.worker() as worker:
        worker.up()
        thanked = web.sign_up_many(people(40))
        assert len(thanked) == 40
        assert not either.addresses()

        sandbox.calm()

        eventually(either.delivered)
    assert acknowledged_and_lost(either, thanked) == set()
    assert either.counts() == {"accepted": 40}


def test_in_an_outage_the_breaker_spares_klaviyo_and_the_shoppers(
    make_shop: Callable[..., Shop], sandbox: Sandbox
) -> None:
    """After five failures in a row the rest are kept without a try."""
    sandbox.drill("503", times=None)
    with make_shop(settings="[delivery]\nbreaker_pause = 600").web() as web:
        thanked = web.sign_up_many(people(20), threads=1)

    assert len(thanked) == 20
    assert len(sandbox.requests()) == 5


def test_retry_after_holds_the_whole_queue(shop: Shop, sandbox: Sandbox) -> None:
    """One 429, and nobody else is sent until it is over; then all go."""
    sandbox.drill("503", times=None)
    with shop.web() as web:
        thanked = web.sign_up_many(people(30))
    sandbox.calm()
    before = len(sandbox.requests())
    sandbox.drill("429", retry_after=2, times=1)

    with shop.worker():
        eventually(lambda: len(answers(sandbox, 429)) == 1)
        eventually(shop.delivered)

    assert acknowledged_and_lost(shop, thanked) == set()
    # what was under way with it had left before; nothing was refused again
    assert len(sandbox.requests()) - before == 31
    assert len(answers(sandbox, 429)) == 1


def test_a_throttled_shop_keeps_without_a_try(
    make_shop: Callable[..., Shop], sandbox: Sandbox
) -> None:
    """Until Retry-After has passed, the web process asks nothing more of Klaviyo."""
    shop = make_shop()
    sandbox.drill("429", retry_after=600, times=1)
    with shop.web() as web:
        thanked = web.sign_up_many(people(5), threads=1)

    assert len(thanked) == 5
    assert len(sandbox.requests()) == 1
    [(waiting,)] = shop.rows("SELECT count(*) FROM workflow_status WHERE status = 'DELAYED'")
    assert waiting == 5


def test_storms_of_429s_lose_nothing(shop: Shop, sandbox: Sandbox) -> None:
    """Again and again throttled, everything arrives all the same."""
    with shop.web() as web, shop.worker():
        sandbox.drill("429", retry_after=1, times=4)
        thanked = web.sign_up_many(people(30), threads=4)
        assert len(thanked) == 30
        eventually(shop.delivered)

    assert acknowledged_and_lost(shop, thanked) == set()


@pytest.mark.slow
def test_kill_minus_nine_of_web_and_worker(either: Shop, sandbox: Sandbox) -> None:
    """Killed at random moments, with a fixed seed: whoever was thanked arrives."""
    chance = random.Random(8)
    thanked: set[str] = set()
    for number in range(2):
        sandbox.drill("503", times=10)
        with either.web() as web, either.worker() as worker, ExitStack() as killers:
            for process in (web.process, worker.process):
                killer = threading.Timer(
                    chance.uniform(0.3, 1.8), os.kill, (process.pid, signal.SIGKILL)
                )
                killers.callback(killer.join)
                killer.start()
            thanked |= web.sign_up_many(people(60, f"round{number}x"), threads=4)
    assert thanked

    with either.worker():
        eventually(either.delivered)

    assert acknowledged_and_lost(either, thanked) == set()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_ends_cleanly_and_the_next_goes_on(
    shop: Shop, sandbox: Sandbox, how: signal.Signals
) -> None:
    """Told to end, it finishes what is under way: nothing is sent twice."""
    sandbox.drill("503", times=None)
    with shop.web() as web:
        thanked = web.sign_up_many(people(150))
    tried = len(sandbox.requests())
    sandbox.calm()
    with shop.worker() as worker:
        eventually(lambda: len(sandbox.requests()) > tried)
        assert worker.stop(how) == 0
        assert shop.counts()["queued"]
        assert not shop.rows("SELECT 1 FROM workflow_status WHERE status = 'PENDING'")

    with shop.worker():
        eventually(shop.delivered)

    assert acknowledged_and_lost(shop, thanked) == set()
    assert len(sandbox.requests()) - tried == 150


def test_a_worker_that_klaviyo_holds_up_still_ends(shop: Shop, sandbox: Sandbox) -> None:
    """It doesn't wait for the slowest answer; the call is made again by the next worker."""
    sandbox.drill("503", times=1)
    with shop.web() as web:
        thanked = web.sign_up_many(people(1))
    tried = len(sandbox.requests())
    sandbox.drill("slow", seconds=600, times=1)
    with shop.worker() as worker:
        eventually(lambda: len(sandbox.requests()) > tried)
        assert worker.stop() == 0
    sandbox.calm()

    with shop.worker():
        eventually(shop.delivered)

    assert acknowledged_and_lost(shop, thanked) == set()


def test_two_workers_share_the_work(either: Shop, sandbox: Sandbox) -> None:
    """Each call is made once, whoever makes it."""
    sandbox.drill("503", times=None)
    with either.web() as web:
        thanked = web.sign_up_many(people(80))
    tried = len(sandbox.requests())
    sandbox.calm()

    with either.worker() as one, either.worker() as other:
        one.up()
        other.up()
        eventually(either.delivered)
        logs = [each.log.read_text() for each in (one, other)]

    assert len({log.split("delivering as ")[1].split()[0] for log in logs}) == 2
    assert acknowledged_and_lost(either, thanked) == set()
    assert len(sandbox.requests()) - tried == 80


def test_what_a_worker_took_with_it_is_taken_up(either: Shop, sandbox: Sandbox) -> None:
    """Its machine never comes back; another machine's worker finds what it had under way."""
    sandbox.drill("503", times=1)
    with either.web() as web:
        thanked = web.sign_up_many(people(1))
    tried = len(sandbox.requests())
    sandbox.drill("slow", seconds=600, times=1)
    with either.worker("machine-1") as worker:
        eventually(lambda: len(sandbox.requests()) > tried)
        worker.stop(signal.SIGKILL)
    sandbox.calm()
    either.settings.write_text(f"{QUICK}sweep_after = 2\n")

    with either.worker("machine-2"):
        eventually(either.delivered)

    assert acknowledged_and_lost(either, thanked) == set()


def test_a_wrong_key_is_put_right_while_sign_ups_wait(shop: Shop, sandbox: Sandbox) -> None:
    """The queue is held and says so once; mended, it goes on by itself, and nobody is lost."""
    sandbox.drill("503", times=None)
    with shop.web() as web:
        thanked = web.sign_up_many(people(50))
    sandbox.calm()
    sandbox.drill("401", times=None)
    with shop.worker() as worker:
        eventually(lambda: shop.status()["paused"])
        tried = len(answers(sandbox, 401))
        eventually(lambda: len(answers(sandbox, 401)) >= tried + 2)

        found = shop.status()
        assert found["counts"]["queued"] == 50
        assert found["paused"][0]["operation"] == SUBSCRIBE
        assert "KLAVIYO_PRIVATE_KEY" in found["paused"][0]["remedy"]
        assert found["last_error"]["contact"] == "s•••@e•••.org"
        # the first ones, which were under way together, and then one a probe
        assert len(answers(sandbox, 401)) < 40
        sandbox.calm()

        eventually(shop.delivered)
        assert worker.log.read_text().count("is paused until this is fixed") == 1
        eventually(lambda: not shop.status()["paused"])
    assert acknowledged_and_lost(shop, thanked) == set()


def test_a_misconfigured_shop_promises_nothing(shop: Shop, sandbox: Sandbox) -> None:
    """Met first, it is told to the shopper, and nothing is kept."""
    sandbox.drill("401", times=1)
    with shop.web() as web:
        reply = web.sign_up("ada@example.org")

    assert reply.status_code == 503
    assert shop.counts() == {"failed": 1}


def test_what_nobody_expects_is_parked_and_can_be_retried(shop: Shop, sandbox: Sandbox) -> None:
    """It stands aside with all that it needs, the others go on, and `retry` sends it again."""
    sandbox.drill("503", times=None)
    with shop.web() as web:
        thanked = web.sign_up_many(people(10))
    sandbox.calm()
    sandbox.drill("415", times=2)
    with shop.worker():
        eventually(shop.delivered)
        assert shop.counts() == {"accepted": 8, "dead_lettered": 2}
        assert shop.status()["counts"]["dead_lettered"] == 2

        assert shop.flask("retry") == "2 calls queued again\n"

        eventually(lambda: shop.counts() == {"accepted": 10})
    assert acknowledged_and_lost(shop, thanked) == set()
    assert shop.flask("retry") == "0 calls queued again\n"


def test_what_klaviyo_refuses_later_is_on_record(shop: Shop, sandbox: Sandbox) -> None:
    """A variant that its catalog lacks: nothing to wait for, and the merchant can see it."""
    sandbox.drill("503", times=1)
    with shop.web() as web:
        web.sign_up("ada@example.org")
    sandbox.unknown("$custom:::$default:::MUG")
    with shop.worker():
        eventually(shop.delivered)

    assert shop.counts() == {"refused": 1}


def test_finished_calls_leave_the_queue(make_shop: Callable[..., Shop], sandbox: Sandbox) -> None:
    """They hold addresses: once delivered and old enough, none is left in the database."""
    shop = make_shop(settings="[delivery]\nkeep_finished = 0\nfirst_retry = 0.1\n")
    sandbox.drill("503", times=1)
    with shop.web() as web:
        web.sign_up("ada@example.org")
    with shop.worker():
        eventually(shop.delivered)
        eventually(lambda: not shop.rows("SELECT 1 FROM workflow_status"))

    assert shop.rows("SELECT 1 FROM workflow_input") == []


def test_a_locked_database_is_no_thanks(shop: Shop, sandbox: Sandbox) -> None:
    """Neither logged nor kept: the shopper is asked to try again, and it works later."""
    with (
        shop.web() as web,
        closing(sqlite3.connect(shop.folder / DATABASE, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        reply = web.sign_up("ada@example.org")
        other.execute("ROLLBACK")

        assert reply.status_code == 503
        assert "try again" in reply.json()["html"]
        assert "ada@example.org" in reply.json()["html"]
        assert web.sign_up("ada@example.org").json()["state"] == "done"


def test_a_database_locked_after_the_try_is_no_thanks(shop: Shop, sandbox: Sandbox) -> None:
    """The log's row is there, Klaviyo is away, and the queue can't take it."""
    sandbox.drill("slow", seconds=600, times=1)
    replies: list[requests.Response] = []
    with (
        shop.web() as web,
        closing(sqlite3.connect(shop.folder / DATABASE, isolation_level=None)) as other,
    ):
        shopper = threading.Thread(target=lambda: replies.append(web.sign_up("ada@example.org")))
        shopper.start()
        eventually(sandbox.requests)
        other.execute("BEGIN IMMEDIATE")
        shopper.join(TIMEOUT)
        other.execute("ROLLBACK")

    assert [reply.status_code for reply in replies] == [503]
    assert shop.counts() == {"started": 1}
    assert shop.rows("SELECT 1 FROM workflow_status") == []


def test_a_full_disk_is_no_thanks(shop: Shop, sandbox: Sandbox) -> None:
    """What the disk doesn't take is not acknowledged; no address is in the log's lines."""
    sandbox.drill("503", times=None)
    [(pages,)] = shop.rows("SELECT page_count FROM pragma_page_count")
    with shop.web(MAX_PAGES=pages + 20) as web:
        thanked = web.sign_up_many(people(150), threads=2)
        reply = web.sign_up("ada@example.org")

    assert reply.status_code == 503
    assert 0 < len(thanked) < 150
    assert shop.counts()["queued"] == len(thanked)
    assert "@example.org" not in web.output.read_text()
    sandbox.calm()
    with shop.worker():
        eventually(shop.delivered)
    assert acknowledged_and_lost(shop, thanked) == set()


def test_postgresql_stopped_and_started_again(
    make_shop: Callable[..., Shop], postgres: Postgres, sandbox: Sandbox
) -> None:
    """No thanks while it is away; web and worker go on by themselves when it is back."""
    shop = make_shop(url=postgres.database("stopped"))
    sandbox.drill("503", times=None)
    with shop.web() as web, shop.worker() as worker:
        worker.up()
        thanked = web.sign_up_many(people(20))
        postgres.stop()
        try:
            assert web.sign_up("ada@example.org").status_code == 503
        finally:
            postgres.start()
        sandbox.calm()

        thanked |= web.sign_up_many(people(20, "later"))
        eventually(shop.delivered)
    assert len(thanked) == 40
    assert acknowledged_and_lost(shop, thanked) == set()


def test_without_a_private_key_the_worker_idles(shop: Shop) -> None:
    """In client mode there may be nothing to deliver; it stays, so that the launcher does."""
    with shop.worker(NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="") as worker:
        eventually(lambda: worker.says("the worker idles"))
        assert worker.stop() == 0


def test_without_its_tables_the_worker_says_what_to_do(shop: Shop) -> None:
    """Nobody has run the migrations."""
    empty = f"sqlite:///{shop.folder / 'empty.db'}"
    with shop.worker(NOTIFY_ME_DATABASE_URI=empty) as worker:
        assert worker.ended() == 2

    assert "run flask notify-me upgrade" in worker.log.read_text()


def test_a_browsers_leftovers_go_through_the_same_door(shop: Shop, sandbox: Sandbox) -> None:
    """Client mode: what the browser couldn't send, and the server can't either, is kept."""
    with shop.web(NOTIFY_ME_MODE="client") as web:
        asked = web.sign_up("ada@example.org").json()
        assert asked["state"] == "send"
        sandbox.drill("503", times=1)
        reply = requests.post(
            f"{web.url}/notify-me/$custom:::$default:::MUG",
            data={
                "channels": "EMAIL",
                "email": "ada@example.org",
                "sign_up": asked["sign_up"],
                "answers": "[null]",
            },
            headers={"X-Notify-Me": "1"},
            timeout=TIMEOUT,
        ).json()
    assert reply["state"] == "done"
    assert shop.counts() == {"queued": 1}

    with shop.worker():
        eventually(shop.delivered)
    assert shop.addresses() == {"ada@example.org"}
