"""Runs the back-in-stock flow: decides which shoppers are notified of a restock, and when.

https://help.klaviyo.com/hc/en-us/articles/360001943711
"""

from datetime import datetime

from flask import Flask

from ..state.catalog import CatalogEntry
from ..state.flow import FlowStatus, Message, MessageStatus
from ..state.profiles import WaitingListEntry
from ..state.rows import next_number
from ..state.sandbox import Sandbox, current_sandbox
from .identifiers import IDENTIFIER_OF

_EMAIL_BODY = """\
Good news: {title} is back in stock.

We can’t reserve it, so order soon.

{url}"""


def init_app(app: Flask) -> None:
    """Before each request, process the waits that have elapsed, so that it sees the result."""
    app.before_request(_process_elapsed_waits)


def _process_elapsed_waits() -> None:
    sandbox = current_sandbox()
    with sandbox.lock:
        process_elapsed_waits(sandbox)


def stock_changed(sandbox: Sandbox, variant: CatalogEntry) -> list[str]:
    """Notify shoppers after a variant's stock has changed, and return what happened as notes.

    Nobody is notified below the minimum inventory or during a wait. At the end of a wait,
    the stock is read again. The caller must hold the sandbox's lock.
    """
    count = len(_waiting_for(sandbox, variant.id))
    if not count:
        return []
    people = f"{count} {'person' if count == 1 else 'people'}"
    minimum = sandbox.flow.settings.minimum_inventory
    wait_end = sandbox.flow.waits.get(variant.id)
    if variant.quantity < minimum:
        return [f"Notified 0 of {people}: the stock is below the minimum inventory of {minimum}"]
    if wait_end:
        end = wait_end.isoformat(timespec="seconds")
        return [
            f"Notified 0 of {people}: the flow is waiting until {end}, and will then check the "
            "stock again"
        ]
    if not sandbox.flow.is_active:
        return [f"Notified 0 of {people}: {sandbox.flow.inactive_reason}"]
    _run_round(sandbox, variant.id, sandbox.now())
    process_elapsed_waits(sandbox)
    remaining = len(_waiting_for(sandbox, variant.id))
    return [f"Notified {count - remaining} of {people}, {remaining} still waiting"]


def process_elapsed_waits(sandbox: Sandbox) -> None:
    """Process the waits that have elapsed, earliest first: run each variant's next round.

    The caller must hold the sandbox's lock.
    """
    waits = sandbox.flow.waits
    while due := min(((until, variant) for variant, until in waits.items()), default=None):
        until, variant = due
        if until > sandbox.now():
            return
        waits.remove(variant)
        _run_round(sandbox, variant, until)


def _run_round(sandbox: Sandbox, variant_id: str, at: datetime) -> None:
    """Notify as many shoppers as the stock allows, oldest sign-ups first, and start the wait."""
    variant, settings = sandbox.catalog.variants.get(variant_id), sandbox.flow.settings
    if variant is None or variant.quantity < settings.minimum_inventory:
        return
    if not sandbox.flow.is_active:
        return
    shoppers = _waiting_for(sandbox, variant_id)
    if settings.customers_per_unit is not None:
        shoppers = shoppers[: int(variant.quantity) * settings.customers_per_unit]
    for waiting in shoppers:
        for channel in waiting.channels:
            _create_message(sandbox, waiting, channel, variant, at)
        sandbox.waiting.remove(waiting.key)
    if shoppers:
        sandbox.flow.start_wait(variant_id, at)


def _waiting_for(sandbox: Sandbox, variant_id: str) -> list[WaitingListEntry]:
    return [waiting for waiting in sandbox.waiting.values() if waiting.variant == variant_id]


def _create_message(
    sandbox: Sandbox, waiting: WaitingListEntry, channel: str, variant: CatalogEntry, at: datetime
) -> None:
    title, url = sandbox.catalog.full_title(variant), variant.url
    if channel == "EMAIL":
        subject, body = f"Back in stock: {title}", _EMAIL_BODY.format(title=title, url=url)
    else:
        subject = None
        body = f"{sandbox.account.sender}: {title} is back in stock. {url} Reply STOP to opt out."
    status, reason = MessageStatus.SENT, None
    if not sandbox.subscriptions.can_reach(waiting.profile, channel):
        status, reason = MessageStatus.SKIPPED, f"not subscribed to {channel} marketing"
    elif sandbox.flow.settings.status is FlowStatus.MANUAL:
        status = MessageStatus.MANUAL
    message = Message(
        id=next_number(sandbox.messages),
        to=getattr(waiting.profile, IDENTIFIER_OF[channel]) or "",
        channel=channel,
        variant=variant.id,
        title=title,
        url=url,
        image=variant.attributes["image_full_url"],
        subject=subject,
        body=body,
        status=status,
        created_at=at,
        sent_at=at if status is MessageStatus.SENT else None,
        reason=reason,
    )
    sandbox.messages.put(message.id, message)
