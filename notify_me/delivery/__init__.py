"""Delivery: send a sign-up's calls at once, or put them into the durable queue.

The engine is DBOS Transact, which only this package uses. It takes half a second to import, so the
web process imports it, and `.worker`, only once calls are queued.
"""

from . import unknown_variants
from .background import BackgroundDelivery
from .deliverer import DeliveryContext
from .queue import Job, Queue, jobs
from .send_now import DEADLINE, calls_to_queue, log_outcome, must_take_over, send_now

__all__ = [
    "DEADLINE",
    "BackgroundDelivery",
    "DeliveryContext",
    "Job",
    "Queue",
    "calls_to_queue",
    "jobs",
    "log_outcome",
    "must_take_over",
    "send_now",
    "unknown_variants",
]
