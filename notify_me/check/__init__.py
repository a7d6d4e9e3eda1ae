"""`flask notify-me check`: what works in the Klaviyo account that the keys belong to, what doesn't,
and how to fix it.
"""

from .account import check_account
from .report import Progress, Report, Row, Verdict

__all__ = ["Progress", "Report", "Row", "Verdict", "check_account"]
