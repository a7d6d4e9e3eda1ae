"""Klaviyo's HTTP protocol: schemas, revisions, rate limits, error bodies and filters."""
