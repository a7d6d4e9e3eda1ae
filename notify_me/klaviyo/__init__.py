"""Klaviyo's API: the calls, the HTTP client, and what responses mean, without Flask or SQL."""
