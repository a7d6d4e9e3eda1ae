"""Jobs that can't be sent, and pauses, tested without the worker's process and engine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from notify_me import admin
from notify_me.context import delivery_context
from notify_me.delivery.deliverer import Deliverer
from notify_me.delivery.queue import Job, stock_job
from notify_me.klaviyo.calls import Operation
from notify_me.variants import CompositeID
from tests.notify_me.conftest import LogFile
from tests.notify_me.small_shop import engine_of
from tests.support import Sandbox

MUG = "$custom:::$default:::MUG"
SUBSCRIBE = "create_back_in_stock_subscription"


@pytest.fixture
def deliverer(app: Flask, sandbox: Sandbox) -> Iterator[Deliverer]:
    """A deliverer of the shop, for which one sign-up is queued."""
    sandbox.drill("503", times=1, operation=SUBSCRIBE)
    data = {"channels": "EMAIL", "email": "ada@example.org"}
    assert app.test_client().post(f"/notify-me/{MUG}", data=data).status_code == 303
    with app.app_context():
        context = delivery_context()
        assert context is not None
        yield Deliverer(context, stopping=threading.Event())


def newest_job(app: Flask) -> Job:
    """Return the job of the latest attempt."""
    with app.app_context():
        client = app.extensions["notify_me"].queue.client
    workflows = client.list_workflows(queue_name=SUBSCRIBE, load_output=False)
    jobs = [Job.from_arguments(workflow.input["args"]) for workflow in workflows]
    return max(jobs, key=lambda job: job.attempt)


@pytest.mark.parametrize("fault", ["bad payload", "unreadable arguments", "missing column"])
def test_job_that_cannot_be_sent_is_set_aside_with_its_reason(
    app: Flask, deliverer: Deliverer, log_file: LogFile, lines: list[str], fault: str
) -> None:
    job = newest_job(app)

    if fault == "bad payload":
        deliverer.deliver(replace(job, body={"data": None}))
    elif fault == "unreadable arguments":
        deliverer.give_up((*job.key, "an operation of a later version"), ValueError())
    else:
        with engine_of(app).begin() as connection:
            connection.execute(sa.text("ALTER TABLE notify_me_pause RENAME COLUMN until TO x"))
        deliverer.deliver(job)

    [call] = log_file.calls()
    reason = {
        "bad payload": "internal error in the worker (TypeError)",
        "unreadable arguments": "the queued job can't be read (ValueError)",
        "missing column": "the database rejected the worker's SQL (OperationalError)",
    }[fault]
    # a job that can't be read can't be retried either
    state = "failed" if fault == "unreadable arguments" else "dead_lettered"
    assert (call["state"], call["problem"].startswith(reason)) == (state, True)
    assert any(line.startswith("ERROR") and reason in line for line in lines)
    assert "example.org" not in "".join(lines)


def test_retry_skips_dead_letters_from_a_later_version(
    app: Flask, deliverer: Deliverer, log_file: LogFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`retry` still queues the other dead letters, even those in later batches. `purge` deletes the
    skipped ones once they are old.
    """
    monkeypatch.setattr("notify_me.delivery.queue.BATCH_SIZE", 1)
    queue = app.extensions["notify_me"].queue
    with engine_of(app).begin() as connection:
        queue.dead_letter(connection, UnreadableJob("later", 0, 0, Operation.BACK_IN_STOCK, {}))
    deliverer.deliver(replace(newest_job(app), body={"data": None}))

    assert admin.retry() == 1
    admin.purge()

    assert log_file.states() == ["queued"]
    with engine_of(app).begin() as connection:
        connection.execute(sa.text("UPDATE workflow_status SET created_at = 0"))
    assert len(list(queue.dead_letters())) == 1
    admin.purge()
    assert list(queue.dead_letters()) == []


class UnreadableJob(Job):
    """A job from a later version."""

    def as_arguments(self) -> tuple[object, ...]:
        return (*self.key, "an operation of a later version", {})


def test_stock_update_that_fails_in_the_shops_code_is_dropped_after_some_attempts(
    app: Flask, deliverer: Deliverer, lines: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failing update isn't retried forever, and the log names the variant."""

    def fail(*_: object) -> None:
        raise RuntimeError("a bug in the shop")

    monkeypatch.setattr(app.extensions["notify_me"].catalog, "variant", fail)
    job = stock_job(CompositeID.parse(MUG), "http://shop.example/")

    for failures, waiting in ((0, 1), (10, 1)):
        deliverer.deliver(replace(job, failures=failures))
        assert admin.status().waiting.get("update_catalog_variant") == waiting

    assert sum(f"the stock update for {MUG}: internal error" in line for line in lines) == 2


def test_an_absurd_retry_after_pauses_only_as_long_as_the_setting_allows(
    app: Flask, deliverer: Deliverer, sandbox: Sandbox, log_file: LogFile
) -> None:
    """After the pause, one call is sent as a probe; the pause ends once Klaviyo accepts a probe."""
    sandbox.drill("429", retry_after=999_999, times=2, operation=SUBSCRIBE)

    for _ in range(2):
        deliverer.deliver(newest_job(app))
        [paused] = admin.status().paused
        assert paused.until < datetime.now(UTC) + timedelta(seconds=601)
        [*_, delayed] = log_file.queued()
        assert delayed["delay_until_epoch_ms"] - delayed["created_at"] < 602_000
        with engine_of(app).begin() as connection:
            connection.execute(sa.text("UPDATE notify_me_pause SET until = 1"))
    deliverer.deliver(newest_job(app))

    assert log_file.states() == ["accepted"]
    assert admin.status().paused == ()


def test_clock_that_is_set_back_does_not_extend_a_pause(
    app: Flask, deliverer: Deliverer, sandbox: Sandbox, log_file: LogFile
) -> None:
    """One call is sent as a probe immediately, and the next probe follows after the usual time."""
    sandbox.drill("429", retry_after=600, times=2, operation=SUBSCRIBE)
    deliverer.deliver(newest_job(app))
    with engine_of(app).begin() as connection:
        connection.execute(
            sa.text("UPDATE notify_me_pause SET until = until + 86400, since = since + 86400")
        )
    sent = len(sandbox.requests())

    for _ in range(2):
        deliverer.deliver(newest_job(app))

    assert len(sandbox.requests()) == sent + 1
    [paused] = admin.status().paused
    assert paused.until < datetime.now(UTC) + timedelta(seconds=601)
