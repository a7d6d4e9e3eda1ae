"""`/merchant/deliveries`: what is queued for Klaviyo, what failed, and how to retry it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from storefront import db
from storefront.merchant.deliveries import duration_text
from tests.forked import python
from tests.storefront.conftest import close, environ, make_shop
from tests.storefront.page import Page
from tests.support import Sandbox, eventually

PARKA = "/notify-me/%24custom%3A%3A%3A%24default%3A%3A%3AHAAR-OIL-M"
URL = "/merchant/deliveries"
SUBSCRIBE = "create_back_in_stock_subscription"
FAST_RETRIES = """
[delivery]
first_retry = 0.1
longest_retry = 0.5
"""
Worker = Callable[[], AbstractContextManager[None]]


@pytest.fixture
def settings(tmp_path: Path, sandbox: Sandbox) -> dict[str, str]:
    """Settings that connect the shop and the worker to the sandbox, with short retry delays."""
    file = tmp_path / "notify_me.toml"
    file.write_text(FAST_RETRIES, encoding="utf-8")
    return {**sandbox.environ(), "NOTIFY_ME_CONFIG": str(file)}


@pytest.fixture
def app(
    tmp_path: Path, catalog_db: Path, sandbox: Sandbox, settings: dict[str, str]
) -> Iterator[Flask]:
    """A shop with its catalog, and with the sandbox as Klaviyo."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", **settings)
    yield app
    sandbox.reset()
    close(app)


@pytest.fixture
def worker(app: Flask, tmp_path: Path, settings: dict[str, str]) -> Worker:
    """Runs `flask notify-me deliver` as a context manager."""

    @contextmanager
    def run() -> Iterator[None]:
        extra = {
            **environ(tmp_path / "shop.db"),
            **settings,
            "NOTIFY_ME_WORKER_FOLDER": str(tmp_path),
        }
        command = ["flask", "--app", "app", "notify-me", "deliver"]
        with python(command, {**os.environ, **extra}, tmp_path / "worker.log"):
            yield

    return run


def sign_up_while_klaviyo_fails(client: FlaskClient, sandbox: Sandbox, *emails: str) -> None:
    """Sign these people up while Klaviyo returns 503, so that their calls are queued."""
    sandbox.drill("503", times=len(emails))
    for email in emails:
        data = {"channels": "EMAIL", "email": email}
        reply = client.post(PARKA, data=data, headers={"X-Notify-Me": "1"})
        assert reply.get_json()["state"] == "done"


def count(client: FlaskClient, state: str) -> int:
    """Return the number that the page shows for this state."""
    [row] = [row for row in Page(client, URL).html.split("<tr") if f"<b>{state}</b>" in row]
    return int(row.split("<td>")[1].split("</td>")[0].replace(",", ""))


def run_sql(app: Flask, *statements: str) -> None:
    """Change the database directly."""
    with app.app_context(), db.engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement))


def retry_button(page: Page) -> str:
    """Return the tag of the button."""
    [tag] = [tag for tag in page.html.split("<button") if ">Retry<" in tag]
    return tag.split(">")[0]


def test_before_the_first_sign_up(client: FlaskClient) -> None:
    """The stock page links to the Deliveries page and shows the same summary."""
    page = Page(client, URL)
    stock = Page(client, "/merchant")

    assert "No sign-ups yet." in page.text
    assert "Once a shopper signs up" in page.text
    assert f'href="{URL}"' in stock.html
    assert "No sign-ups yet." in stock.text


def test_queued_sign_ups_are_shown_with_masked_contacts(
    app: Flask, client: FlaskClient, sandbox: Sandbox
) -> None:
    """The page also shows the longest wait and the last error."""
    sign_up_while_klaviyo_fails(client, sandbox, "ada@example.org", "bea@example.org")
    run_sql(app, "UPDATE notify_me_sign_up SET created_at = datetime(created_at, '-125 minutes')")

    page = Page(client, URL)
    stock = Page(client, "/merchant")

    assert "2 deliveries queued, the oldest 2 hours ago." in page.text
    assert "2 deliveries queued, the oldest 2 hours ago." in stock.text
    assert "Currently 2 sign-ups." in page.text
    assert "Deliveries that aren’t retried within 30 days count as failed." in page.text
    assert "The oldest sign-up has been queued for 2 hours." in page.text
    assert (count(client, "Queued"), count(client, "Delivered")) == (2, 0)
    assert "Klaviyo returned status 503." in page.text
    assert "Haar Parka (Oilskin / M)" in page.text
    assert newest_error_id(app) in page.text
    assert "b•••@e•••.org" in page.text
    for html in (page.html, stock.html):
        assert "example.org" not in html
    assert ">Retry<" not in page.html


def test_failed_deliveries_are_explained(app: Flask, client: FlaskClient, sandbox: Sandbox) -> None:
    """Failed deliveries can't be retried, and the Demand page lists the reasons."""
    sign_up_while_klaviyo_fails(client, sandbox, "ada@example.org")
    run_sql(app, "UPDATE notify_me_call SET state = 'failed'")

    page = Page(client, URL)
    assert "Failed deliveries aren’t sent again" in page.text
    assert 'href="/merchant/demand#reasons"' in page.html
    demand = Page(client, "/merchant/demand")
    assert 'id="reasons"' in demand.html
    assert "Klaviyo returned status 503. Failed 1 Failed and rejected sign-ups" in demand.text


def newest_error_id(app: Flask) -> str:
    """Return Klaviyo's latest error ID in the log."""
    query = "SELECT error_id FROM notify_me_call ORDER BY settled_at DESC"
    with app.app_context(), db.engine.connect() as connection:
        return str(connection.scalar(sa.text(query)))


def test_retry_sends_what_needed_review(
    client: FlaskClient, sandbox: Sandbox, worker: Worker
) -> None:
    sign_up_while_klaviyo_fails(client, sandbox, "ada@example.org", "bea@example.org")
    sandbox.drill("415", times=2, operation=SUBSCRIBE)
    with worker():
        eventually(lambda: count(client, "Needs review") == 2)
        page = Page(client, URL)
        assert "2 need review." in page.text
        assert "Klaviyo returned status 415" in page.text
        assert "example.org" not in page.html
        assert "disabled" not in retry_button(page)
        assert "2 need review." in Page(client, "/merchant").text

        reply = client.post(URL)

        assert (reply.status_code, reply.headers["Location"]) == (303, f"{URL}?retried=2")
        shown = Page(client, reply.headers["Location"])
        assert '<div class="notice" role="status"><p>Retrying 2 deliveries.' in shown.html
        eventually(lambda: count(client, "Delivered") == 2)
    page = Page(client, URL)
    assert "None. If a delivery is queued" in page.text
    assert "Klaviyo has accepted all sign-ups." in page.text
    assert {entry["profile"]["email"] for entry in sandbox.waiting()} == {
        "ada@example.org",
        "bea@example.org",
    }
    again = client.post(URL)
    assert "There was nothing to retry." in Page(client, again.headers["Location"]).text


def test_queue_paused_by_a_wrong_setting_names_the_remedy(
    client: FlaskClient, sandbox: Sandbox, worker: Worker
) -> None:
    """The stock page says that action is required."""
    sign_up_while_klaviyo_fails(client, sandbox, "ada@example.org")
    sandbox.drill("403", times=None)
    with worker():
        eventually(lambda: "Delivery of sign-ups: action required" in Page(client, URL).text)

    page = Page(client, URL)
    assert "The private key lacks a scope: create a private key with catalogs:write" in page.text
    assert "Delivery resumes once this is fixed" in page.text
    assert "example.org" not in page.html
    assert "Paused: action required." in Page(client, "/merchant").text


def test_throttled_queue_shows_when_it_resumes(
    client: FlaskClient, sandbox: Sandbox, worker: Worker
) -> None:
    sign_up_while_klaviyo_fails(client, sandbox, "ada@example.org")
    sandbox.drill("429", retry_after=600, times=1, operation=SUBSCRIBE)
    with worker():
        eventually(lambda: "Delivery of sign-ups: paused by Klaviyo" in Page(client, URL).text)

    pauses = Page(client, URL).html.split('<ul class="paused">')[1].split("</ul>")[0]
    assert "No action is needed" in pauses
    assert pauses.count("<time datetime=") == 2
    assert "action required" not in Page(client, "/merchant").text


@pytest.mark.parametrize("fault", ["no live flow", "unknown variant", "none"])
def test_every_page_says_why_nobody_will_be_notified(
    client: FlaskClient, sandbox: Sandbox, fault: str
) -> None:
    """A draft flow or a variant that Klaviyo doesn't have gets a banner with the remedy."""
    if fault == "no live flow":
        sandbox.set("flow", status="draft")
    elif fault == "unknown variant":
        sandbox.unknown("$custom:::$default:::HAAR-OIL-M")
        client.post(PARKA, data={"channels": "EMAIL", "email": "ada@example.org"})

    pages = [Page(client, path).text for path in ("/merchant", "/merchant/demand", URL)]

    expected = {
        "no live flow": ("No live flow: nobody will be notified", "message to Live in Klaviyo."),
        "unknown variant": (
            "Variants missing from Klaviyo’s catalog",
            "Run flask notify-me push-catalog",
        ),
        "none": ("", ""),
    }
    for name, sentences in expected.items():
        for page in pages:
            assert all(sentence in page for sentence in sentences) is (name in (fault, "none"))


@pytest.mark.parametrize("key", ["", "pk_wrong"])
def test_pages_work_without_a_valid_key(tmp_path: Path, catalog_db: Path, key: str) -> None:
    """The flow can't be checked, so there is no banner."""
    shutil.copy(catalog_db, tmp_path / "shop.db")
    app = make_shop(tmp_path / "shop.db", KLAVIYO_PRIVATE_KEY=key, NOTIFY_ME_MODE="client")

    page = Page(app.test_client(), "/merchant")

    assert "nobody will be notified" not in page.text
    close(app)


def test_other_sites_cannot_retry(app: Flask, client: FlaskClient, sandbox: Sandbox) -> None:
    sign_up_while_klaviyo_fails(client, sandbox, "ada@example.org")
    run_sql(app, "UPDATE notify_me_call SET state = 'dead_lettered'")

    assert client.post(URL, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post(URL, headers={"Origin": "https://other.example"}).status_code == 403
    assert count(client, "Needs review") == 1


@pytest.mark.parametrize("demo", [True, False])
def test_strangers_get_404(app: Flask, client: FlaskClient, demo: bool) -> None:
    """Strangers are visitors from other machines or, if the demo is off, all visitors."""
    app.config["DEMO"] = demo
    environ = {"REMOTE_ADDR": "192.0.2.7"} if demo else {}

    for method in ("GET", "POST"):
        reply = client.open(URL, method=method, environ_overrides=environ)
        assert reply.status_code == 404


def test_without_the_queue_the_counts_are_still_shown(
    app: Flask, client: FlaskClient, sandbox: Sandbox
) -> None:
    """While the queue is unavailable, nothing can be retried."""
    sign_up_while_klaviyo_fails(client, sandbox, "ada@example.org")
    run_sql(
        app,
        "UPDATE notify_me_call SET state = 'dead_lettered'",
        "ALTER TABLE workflow_status RENAME TO somewhere_else",
    )

    page = Page(client, URL)
    assert "The delivery queue is unavailable" in page.text
    assert "as soon as the delivery queue is available" in page.text
    assert " disabled" in retry_button(page)
    assert count(client, "Needs review") == 1
    assert "The delivery queue is unavailable." in Page(client, "/merchant").text
    reply = client.post(URL)
    assert reply.status_code == 503
    assert "Try again in a moment" in reply.text


def test_without_the_sign_up_log_stock_is_still_shown(app: Flask, client: FlaskClient) -> None:
    run_sql(app, "ALTER TABLE notify_me_call RENAME TO somewhere_else")

    assert "Database unavailable" in Page(client, URL, 503).text
    page = Page(client, "/merchant")
    assert "The sign-up log is unavailable." in page.text
    assert page.html.count('<th scope="row">') == 60


@pytest.mark.parametrize("path", ["/merchant", URL])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_missing_tables_are_503(empty_app: Flask, path: str, method: str) -> None:
    with closing(empty_app.test_client().open(path, method=method)) as reply:
        assert reply.status_code == 503
        assert "Database unavailable" in reply.text
        assert "flask db upgrade" in reply.text
        assert "no-store" in reply.headers["Cache-Control"]


@pytest.mark.usefixtures("short_lock")
def test_locked_database_fails_writes_but_not_reads(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), db.engine.connect() as other:
        connection = other.connection.driver_connection
        assert connection is not None
        connection.execute("BEGIN IMMEDIATE")
        assert client.get(URL).status_code == 200
        reply = client.post("/merchant", data={"sku": "BLAT-S", "quantity": "5"})
        connection.execute("ROLLBACK")

    assert reply.status_code == 503
    assert "Database unavailable" in reply.text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "a moment"),
        (0.5, "a moment"),
        (1, "1 second"),
        (119, "1 minute"),
        (7200, "2 hours"),
        (86400 * 1500, "1,500 days"),
    ],
)
def test_duration_is_shown_in_its_largest_unit(seconds: float, text: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == text
