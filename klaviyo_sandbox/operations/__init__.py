"""Klaviyo's API operations: one module for each resource."""
