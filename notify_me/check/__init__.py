"""`flask notify-me check`: what the account that the keys name lacks, and the cure for each."""

from .report import Report, Row, Verdict
from .run import check_account

__all__ = ["Report", "Row", "Verdict", "check_account"]
