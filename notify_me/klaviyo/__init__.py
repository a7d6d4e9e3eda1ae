"""Klaviyo's API: the calls, the HTTP client, and what responses mean. No Flask or SQL."""
