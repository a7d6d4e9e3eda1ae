"""`flask notify-me check`: a report on the Klaviyo account that the keys belong to."""

from .account import check_account
from .report import Progress, Report, Row, Verdict

__all__ = ["Progress", "Report", "Row", "Verdict", "check_account"]
