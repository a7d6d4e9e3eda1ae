"""What a change of stock sets off: the flow as it runs for one variant.

https://help.klaviyo.com/hc/en-us/articles/360001943711
"""

from datetime import datetime

from flask import Flask

from ..state.catalog import Variant
from ..state.flow import FlowStatus
from ..state.messages import Delivery
from ..state.sandbox import Sandbox, current_sandbox
from ..state.waiting import Waiting
from .identifiers import NEEDS


def init_app(app: Flask) -> None:
    """End the waits whose time has come before each request, which then sees what came of it."""
    app.before_request(_settle)


def stock_changed(sandbox: Sandbox, variant: Variant) -> list[str]:
    """Notify who waits for a variant whose stock is new, and return in words what came of it.

    Nothing starts below the minimum inventory, nor during a wait, when the stock is read again at
    its end. The caller holds the sandbox's lock.
    """
    minimum = sandbox.flow.settings.minimum_inventory
    number = len(sandbox.waiting.of(variant.id))
    if not number:
        return []
    people = f"{number} {'person' if number == 1 else 'people'}"
    if variant.quantity < minimum:
        return [f"{people} went on waiting: the stock is below the minimum inventory, {minimum}"]
    if until := sandbox.flow.waits.get(variant.id):
        end = until.isoformat(timespec="seconds")
        return [f"{people} went on waiting: the flow waits until {end} and reads the stock again"]
    if not sandbox.flow.takes_people:
        return [f"{people} went on waiting: {sandbox.flow.why_nobody_waits}"]
    _round(sandbox, variant.id, sandbox.now())
    settle(sandbox)
    left = len(sandbox.waiting.of(variant.id))
    return [f"{number - left} of {people} notified, {left} left"]


def settle(sandbox: Sandbox) -> None:
    """End every wait whose time has come, in their order, and go on where anyone is left.

    The caller holds the sandbox's lock.
    """
    while due := sandbox.flow.due(sandbox.now()):
        variant, ended = due
        sandbox.flow.waits.remove(variant)
        _round(sandbox, variant, ended)


def _settle() -> None:
    sandbox = current_sandbox()
    with sandbox.lock:
        settle(sandbox)


def _round(sandbox: Sandbox, variant_id: str, at: datetime) -> None:
    """Notify as many as the stock is for, clear their subscriptions, and begin the wait."""
    variant, settings = sandbox.catalog.variants.get(variant_id), sandbox.flow.settings
    if variant is None or variant.quantity < settings.minimum_inventory:
        return
    if settings.status is FlowStatus.DRAFT:
        return
    people = sandbox.waiting.of(variant_id)
    if settings.customers_per_unit is not None:
        people = people[: int(variant.quantity) * settings.customers_per_unit]
    for entry in people:
        _notify(sandbox, entry, variant, at)
        sandbox.waiting.end(entry)
    if people:
        sandbox.flow.wait(variant_id, at)


def _notify(sandbox: Sandbox, entry: Waiting, variant: Variant, at: datetime) -> None:
    held = sandbox.flow.settings.status is FlowStatus.MANUAL
    title = sandbox.catalog.full_title(variant)
    for channel in entry.channels:
        reached = sandbox.subscriptions.reachable(entry.profile, channel)
        status = Delivery.MANUAL if held else Delivery.SENT
        subject, body = written(channel, sandbox.account.sender, title, variant.url)
        sandbox.messages.add(
            to=getattr(entry.profile, NEEDS[channel]) or "",
            channel=channel,
            variant=variant.id,
            title=title,
            url=variant.url,
            image=variant.image,
            subject=subject,
            body=body,
            status=status if reached else Delivery.SKIPPED,
            made_at=at,
            sent_at=at if reached and not held else None,
            reason=None if reached else f"not subscribed to {channel} marketing",
        )


def written(channel: str, brand: str, title: str, url: str) -> tuple[str | None, str]:
    """Return a message's subject, which a text has none of, and its body."""
    if channel == "EMAIL":
        return f"Back in stock: {title}", _EMAIL.format(title=title, url=url)
    return None, f"{brand}: {title} is back in stock. {url} Reply STOP to opt out."


_EMAIL = """\
Good news: {title} is back in stock.

You asked us to tell you. It may sell out again, and this message holds nothing back for you, so
have a look while it is there.

{url}"""
