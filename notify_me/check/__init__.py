"""`flask notify-me check`: what the account that the keys name lacks, and the cure for each."""

from .report import Progress, Report, Row, Verdict
from .run import check_account

__all__ = ["Progress", "Report", "Row", "Verdict", "check_account"]
