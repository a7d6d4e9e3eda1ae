"""No confirmed sign-up is lost: workers in separate processes, on SQLite and PostgreSQL."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from notify_me import admin
from tests.notify_me.consent import BY_BOTH
from tests.notify_me.offers import ELEMENT, toml
from tests.notify_me.running_shop import MUG, QUICK, Postgres, Shop, Web, lost, people
from tests.notify_me.small_shop import small_catalog, small_shop
from tests.support import Sandbox, eventually

SUBSCRIBE = "create_back_in_stock_subscription"


@pytest.fixture
def shop(make_shop: Callable[..., Shop]) -> Shop:
    """The shop on SQLite."""
    return make_shop()


def responses(sandbox: Sandbox, status: int) -> list[dict[str, Any]]:
    """Return the calls that got this status."""
    return [request for request in sandbox.requests() if request["status"] == status]


def queue_sign_ups(shop: Shop, sandbox: Sandbox, count: int) -> tuple[set[str], int]:
    """Sign people up during an outage; return their addresses, and how many calls were sent."""
    sandbox.drill("503", times=None)
    confirmed = shop.sign_up_many(people(count))
    assert shop.counts() == {"queued": count}
    sandbox.end_drills()
    return confirmed, len(sandbox.requests())


def wait_for_another_call(sandbox: Sandbox, sent: int) -> None:
    """Wait until more than this many calls have been sent."""
    eventually(lambda: len(sandbox.requests()) > sent)


def test_sign_ups_during_an_outage_arrive_after_it(db_shop: Shop, sandbox: Sandbox) -> None:
    """Sign-ups are confirmed while Klaviyo is down."""
    sandbox.drill("503", times=None)
    with db_shop.web() as web, db_shop.worker() as worker:
        worker.wait_until_ready()
        confirmed = web.sign_up_many(people(40))
        assert len(confirmed) == 40
        assert not db_shop.addresses()

        sandbox.end_drills()

        eventually(db_shop.delivered)
    assert lost(db_shop, confirmed) == set()
    assert db_shop.counts() == {"accepted": 40}


def test_queued_call_is_sent_without_a_refused_channel(
    make_shop: Callable[..., Shop], sandbox: Sandbox
) -> None:
    """Only after the confirmation does Klaviyo report that it can't text the country."""
    shop = make_shop(settings=QUICK + toml(["EMAIL", "SMS"], email_list="ask"))
    sandbox.set("regions", supported=["US"])
    sandbox.drill("503")
    data = {**BY_BOTH, "phone_number": "+52 55 1234 5678"}
    reply = shop.app.test_client().post(MUG, data=data, headers=ELEMENT)
    assert reply.get_json()["channels"] == {"EMAIL": "accepted", "SMS": "accepted"}

    with shop.worker():
        eventually(shop.delivered)

    assert [waiting["channels"] for waiting in sandbox.waiting()] == [["EMAIL"]]
    assert shop.counts() == {"accepted": 2}
    consents = shop.rows("SELECT channel, state FROM notify_me_consent ORDER BY channel")
    assert consents == [("EMAIL", "accepted"), ("SMS", "refused")]


@pytest.mark.parametrize(
    ("failure", "sent"), [({"kind": "503"}, 5), ({"kind": "429", "retry_after": 600}, 1)]
)
def test_nothing_is_sent_while_klaviyo_is_down_or_throttles(
    make_shop: Callable[..., Shop], sandbox: Sandbox, failure: dict[str, Any], sent: int
) -> None:
    """After five failures in a row, or one 429, sign-ups are queued without a call. After a 429,
    queued calls wait as long as Klaviyo asked.
    """
    shop = make_shop(settings="[delivery]\nbreaker_pause = 600")
    sandbox.drill(times=None, **failure)

    assert len(shop.sign_up_many(people(8))) == 8

    assert len(sandbox.requests()) == sent
    [(delayed,)] = shop.rows("SELECT count(*) FROM workflow_status WHERE status = 'DELAYED'")
    assert delayed == (8 if "retry_after" in failure else 0)


def test_retry_after_stops_the_whole_queue(shop: Shop, sandbox: Sandbox) -> None:
    """After one 429, nothing is sent until the time in Retry-After has passed. Then all queued
    calls are sent.
    """
    confirmed, before = queue_sign_ups(shop, sandbox, 30)
    sandbox.drill("429", retry_after=2, times=1)

    with shop.worker():
        eventually(lambda: responses(sandbox, 429))
        eventually(shop.delivered)

    assert lost(shop, confirmed) == set()
    assert len(sandbox.requests()) - before == 31
    assert len(responses(sandbox, 429)) == 1


@pytest.mark.slow
def test_web_processes_and_workers_killed_at_random_moments(
    db_shop: Shop, sandbox: Sandbox
) -> None:
    """No confirmed sign-up is lost after `kill -9` of two web processes and two workers. The
    moments come from a fixed seed.
    """
    rng = random.Random(8)
    confirmed: set[str] = set()
    for number in range(2):
        sandbox.drill("503", times=10)
        with ExitStack() as stack:
            webs = [stack.enter_context(db_shop.web()) for _ in range(2)]
            workers = [stack.enter_context(db_shop.worker(f"machine{index}")) for index in range(2)]
            for worker in workers:
                worker.wait_until_ready()
            confirmed |= webs[0].sign_up_many(people(1, f"first{number}x"))
            processes = [web.process for web in webs] + [worker.process for worker in workers]
            for process in processes:
                timer = threading.Timer(
                    rng.uniform(0.1, 1.5), os.kill, (process.pid, signal.SIGKILL)
                )
                stack.callback(timer.join)
                timer.start()
            emails = [people(40, f"round{number}web{index}x") for index in range(2)]
            with ThreadPoolExecutor(2) as pool:
                confirmed.update(*pool.map(Web.sign_up_many, webs, emails))
    assert confirmed

    with db_shop.worker("machine0"), db_shop.worker("machine1"):
        eventually(db_shop.delivered)

    assert lost(db_shop, confirmed) == set()


@pytest.mark.slow
def test_a_locked_database_delays_calls_only_while_it_is_locked(
    shop: Shop, sandbox: Sandbox
) -> None:
    """Another program may write to the SQLite file for longer than the workers' statements wait."""
    confirmed, before = queue_sign_ups(shop, sandbox, 30)
    with shop.worker() as worker:
        wait_for_another_call(sandbox, before)
        with shop.engine.connect() as connection:
            connection.execute(sa.text("BEGIN IMMEDIATE"))
            eventually(lambda: worker.has_logged("the database is unavailable"))
        eventually(shop.delivered)

    assert lost(shop, confirmed) == set()


def test_worker_without_a_lock_file_names_the_remedy(shop: Shop) -> None:
    (shop.folder / "file").touch()

    with shop.worker("file") as worker:
        assert worker.wait_for_exit() != 0

    assert "set NOTIFY_ME_WORKER_FOLDER to a folder" in worker.log.read_text()


def test_a_stopped_worker_finishes_its_calls_and_the_next_continues(
    shop: Shop, sandbox: Sandbox
) -> None:
    """No call is left half done, and none is sent twice."""
    confirmed, before = queue_sign_ups(shop, sandbox, 100)
    with shop.worker() as worker:
        wait_for_another_call(sandbox, before)
        assert worker.stop() == 0
    assert not shop.rows("SELECT 1 FROM workflow_status WHERE status = 'PENDING'")
    assert shop.counts()["queued"] == 100 - (len(sandbox.requests()) - before)

    with shop.worker():
        eventually(shop.delivered)

    assert lost(shop, confirmed) == set()
    assert len(sandbox.requests()) - before == 100


@pytest.mark.parametrize(
    ("db_shop", "stop_signal", "next_machine"),
    [
        ("sqlite", signal.SIGTERM, "one"),
        ("sqlite", signal.SIGKILL, "two"),
        ("postgresql", signal.SIGKILL, "two"),
    ],
    indirect=["db_shop"],
)
def test_a_call_cut_off_with_its_worker_is_sent_by_another(
    db_shop: Shop, sandbox: Sandbox, stop_signal: signal.Signals, next_machine: str
) -> None:
    """If a worker exits before Klaviyo has responded, its successor on the same machine sends the
    call again. If the machine is gone for good, a worker on another machine sends the call.
    """
    confirmed, before = queue_sign_ups(db_shop, sandbox, 1)
    sandbox.drill("slow", seconds=600, times=1)
    with db_shop.worker("one") as worker:
        wait_for_another_call(sandbox, before)
        status = worker.stop(stop_signal)
        assert status == (0 if stop_signal is signal.SIGTERM else -signal.SIGKILL)
    sandbox.end_drills()
    if next_machine == "two":
        db_shop.settings.write_text(f"{QUICK}sweep_after = 2\ncall_timeout = 1\n")

    with db_shop.worker(next_machine):
        eventually(db_shop.delivered)

    assert lost(db_shop, confirmed) == set()


def test_two_workers_share_the_work(db_shop: Shop, sandbox: Sandbox) -> None:
    """Each call is sent by only one worker."""
    confirmed, before = queue_sign_ups(db_shop, sandbox, 60)

    with db_shop.worker() as one, db_shop.worker() as other:
        one.wait_until_ready()
        other.wait_until_ready()
        eventually(db_shop.delivered)
        logs = [worker.log.read_text() for worker in (one, other)]

    assert len({log.split("delivering queued calls as worker ")[1].split()[0] for log in logs}) == 2
    assert lost(db_shop, confirmed) == set()
    assert len(sandbox.requests()) - before == 60


def test_a_wrong_key_pauses_the_queue_until_it_is_fixed(shop: Shop, sandbox: Sandbox) -> None:
    """The pause is logged once, and shown by `status`. Single calls are sent as probes; once
    Klaviyo accepts the key, all queued calls are sent.
    """
    confirmed, _ = queue_sign_ups(shop, sandbox, 50)
    sandbox.drill("401", times=None)
    with shop.worker() as worker:
        eventually(lambda: shop.status()["paused"])
        refused = len(responses(sandbox, 401))
        eventually(lambda: len(responses(sandbox, 401)) >= refused + 2)

        status = shop.status()
        assert status["counts"]["queued"] == 50
        [paused] = status["paused"]
        assert paused["operation"] == SUBSCRIBE
        assert "KLAVIYO_PRIVATE_KEY" in paused["remedy"]
        assert status["last_error"]["contact"] == "s•••@e•••.org"
        # at most 20 calls in progress at once, and then one call a second
        assert len(responses(sandbox, 401)) < 40
        sandbox.end_drills()

        eventually(shop.delivered)
        assert worker.log.read_text().count("is paused until this is fixed") == 1
        eventually(lambda: not shop.status()["paused"])
    assert lost(shop, confirmed) == set()


def test_refused_and_dead_lettered_calls_do_not_stop_the_others(
    make_shop: Callable[..., Shop], sandbox: Sandbox
) -> None:
    """A refused call is recorded, dead letters are sent again by `retry`, and all other calls are
    sent. Afterwards, no address is left in the queue.
    """
    shop = make_shop(settings=f"{QUICK}keep_finished = 0\n")
    confirmed, _ = queue_sign_ups(shop, sandbox, 8)
    sandbox.drill("503", times=1)
    shop.sign_up("refused@example.org")
    sandbox.drill("400-email", times=1, operation=SUBSCRIBE)
    sandbox.drill("415", times=2, operation=SUBSCRIBE)
    with shop.worker():
        eventually(shop.delivered)
        counts = shop.counts()
        assert counts["dead_lettered"] == 2
        assert sum(counts.values()) == 9

        assert shop.flask("retry") == "calls queued again: 2\n"

        eventually(lambda: shop.counts() == {"accepted": 8, "refused": 1})
        eventually(lambda: not shop.rows("SELECT 1 FROM workflow_status"))
    assert shop.rows("SELECT 1 FROM workflow_input") == []
    assert len(confirmed - shop.addresses()) <= 1
    assert shop.flask("retry") == "calls queued again: 0\n"


def test_variant_unknown_to_klaviyo_is_created_or_retried(
    make_shop: Callable[..., Shop], sandbox: Sandbox
) -> None:
    """The variant is created if the shop's URL is known. Otherwise, its calls are retried for a
    limited time and then dead-lettered, `status` names the variant, and `retry` sends the calls.
    """
    shop = make_shop(settings=f"{QUICK}unknown_variant_hours = 0.0002\n")
    mug, parka = (f"$custom:::$default:::{sku}" for sku in ("MUG", "PARKA-M-MOSS"))
    sandbox.unknown(mug, parka)
    assert shop.sign_up("mug@example.org")
    shop.app.test_client().post(
        f"/notify-me/{parka}",
        data={"channels": "EMAIL", "email": "parka@example.org"},
        base_url="http://untrusted.example",
    )
    assert shop.counts() == {"queued": 2}

    with shop.worker() as worker:
        eventually(lambda: shop.counts() == {"accepted": 1, "dead_lettered": 1})
        assert shop.addresses() == {"mug@example.org"}
        assert len(responses(sandbox, 404)) >= 4  # two from the web process, two from the worker
        assert f"not in Klaviyo's catalog: {parka} (1 sign-up)" in shop.flask("status")
        assert "ERROR" not in worker.log.read_text()  # the web process has logged the error

        shop.flask("stock", parka, "0", "--shop-url", "http://shop.example")
        assert shop.flask("retry") == "calls queued again: 1\n"
        eventually(lambda: shop.counts() == {"accepted": 2})
    assert shop.addresses() == {"mug@example.org", "parka@example.org"}


def test_clock_that_is_set_back_does_not_extend_a_delay(db_shop: Shop, sandbox: Sandbox) -> None:
    sandbox.drill("503", retry_after=1)
    assert db_shop.sign_up("ada@example.org")
    jobs = "workflow_status"
    if db_shop.engine.dialect.name == "postgresql":
        jobs = f"notify_me_queue.{jobs}"
    a_day = f"UPDATE {jobs} SET delay_until_epoch_ms = delay_until_epoch_ms + 86400000"
    with db_shop.engine.begin() as connection:
        assert connection.execute(sa.text(f"{a_day} WHERE status = 'DELAYED'")).rowcount == 1

    with db_shop.worker():
        eventually(db_shop.delivered)


def test_sqlite_file_may_be_given_as_a_uri(
    make_shop: Callable[..., Shop], sandbox: Sandbox, tmp_path: Path
) -> None:
    shop = make_shop(url=f"sqlite:///file:{tmp_path}/a%20shop.db?uri=true")
    with shop.app.app_context():
        assert admin.ready()["disk"] == "ok"
    confirmed, _ = queue_sign_ups(shop, sandbox, 1)
    with shop.worker():
        eventually(shop.delivered)
    assert not lost(shop, confirmed)


def test_full_disk_confirms_only_stored_sign_ups(
    shop: Shop, sandbox: Sandbox, all_lines: list[str]
) -> None:
    """Only sign-ups that could be stored are confirmed, and all of those are delivered. No address
    is logged.
    """
    sandbox.drill("503", times=None)
    [(pages,)] = shop.rows("SELECT page_count FROM pragma_page_count")
    full = small_shop(
        shop.folder, small_catalog(), migrate=False, **shop.config, MAX_PAGES=pages + 20
    )
    confirmed = shop.sign_up_many(people(100), full)

    assert 0 < len(confirmed) < 100
    assert shop.counts()["queued"] == len(confirmed)
    assert "@example.org" not in "".join(all_lines)
    sandbox.end_drills()
    with shop.worker():
        eventually(shop.delivered)
    assert lost(shop, confirmed) == set()


def test_web_and_worker_continue_after_a_restart_of_postgresql(
    make_shop: Callable[..., Shop], postgres: Postgres, sandbox: Sandbox
) -> None:
    """No sign-up is confirmed while PostgreSQL is down, and DBOS doesn't fill the log meanwhile."""
    shop = make_shop(url=postgres.database("stopped"))
    sandbox.drill("503", times=None)
    with shop.web() as web, shop.worker() as worker:
        worker.wait_until_ready()
        confirmed = web.sign_up_many(people(20))
        eventually(lambda: worker.has_logged("Temporary"))
        postgres.stop()
        try:
            assert web.sign_up("ada@example.org").status_code == 503
            eventually(lambda: worker.log.read_text().count("the database is unavailable") > 4)
        finally:
            postgres.start()
        places = re.findall(r"WARNING] \(dbos:(.+?)\)", worker.log.read_text())
        assert places
        assert len(places) == len(set(places))
        sandbox.end_drills()

        confirmed |= web.sign_up_many(people(20, "later"))
        eventually(shop.delivered)
    assert len(confirmed) == 40
    assert lost(shop, confirmed) == set()


def test_worker_that_waits_for_the_database_can_be_stopped(
    make_shop: Callable[..., Shop], postgres: Postgres, sandbox: Sandbox
) -> None:
    shop = make_shop(url=postgres.database("locked"))
    queue_sign_ups(shop, sandbox, 1)
    with shop.engine.begin() as connection:
        # DBOS reads this table when it starts
        connection.execute(sa.text("LOCK TABLE notify_me_queue.application_versions"))
        waiting = (
            "SELECT 1 FROM pg_locks WHERE NOT granted"
            " AND relation = 'notify_me_queue.application_versions'::regclass"
        )
        with shop.worker() as worker:
            eventually(lambda: shop.rows(waiting))
            assert worker.stop() == 0


def test_without_a_private_key_the_worker_idles(shop: Shop) -> None:
    """The worker doesn't exit, since the launcher would then stop the shop. Ctrl-C stops the
    worker.
    """
    with shop.worker(NOTIFY_ME_MODE="client", KLAVIYO_PRIVATE_KEY="") as worker:
        eventually(lambda: worker.has_logged("queued calls can't be delivered"))
        assert worker.stop(signal.SIGINT) == 0


def test_without_its_tables_the_worker_says_what_to_do(shop: Shop) -> None:
    """The tables are missing because the migrations have not been run."""
    empty = f"sqlite:///{shop.folder / 'empty.db'}"
    with shop.worker(NOTIFY_ME_DATABASE_URI=empty) as worker:
        assert worker.wait_for_exit() == 2

    assert "run flask notify-me upgrade" in worker.log.read_text()
