"""What the wire carries: the schemas, revisions, limits, errors and CORS of Klaviyo's API."""
