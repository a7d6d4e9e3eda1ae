"""Delivery: send a sign-up's calls at once, or put them into the durable queue.

The engine is DBOS Transact, which only this package uses. The worker is in `.worker`, which the
web process doesn't import.
"""

from .background import BackgroundDelivery
from .deliverer import Parts
from .queue import Job, Queue, jobs
from .send_now import DEADLINE, calls_to_queue, log_outcome, send_now

__all__ = [
    "DEADLINE",
    "BackgroundDelivery",
    "Job",
    "Parts",
    "Queue",
    "calls_to_queue",
    "jobs",
    "log_outcome",
    "send_now",
]
