"""Checks of the Klaviyo account that the keys belong to.

`flask notify-me check` and `admin.health` report their results.
"""
