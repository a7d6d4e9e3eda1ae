"""Checks of the Klaviyo account that the keys belong to, for `flask notify-me check` and health."""

from .account import check_account
from .advice import row
from .flow import FlowCheck
from .report import Progress, Report, Row, Verdict

__all__ = ["FlowCheck", "Progress", "Report", "Row", "Verdict", "check_account", "row"]
