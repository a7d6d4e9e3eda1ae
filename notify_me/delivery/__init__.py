"""Delivery: try a sign-up's calls at once, else keep them in the durable queue.

The engine is DBOS Transact, and nothing outside this package knows it. The worker's half stands
in `.worker`, which the web process doesn't import.
"""

from .queue import Job, Queue, include_name, jobs, upgrade
from .send_now import DEADLINE, left_over, log_outcome, try_now

__all__ = [
    "DEADLINE",
    "Job",
    "Queue",
    "include_name",
    "jobs",
    "left_over",
    "log_outcome",
    "try_now",
    "upgrade",
]
