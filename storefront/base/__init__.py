"""The base of the shop: database and tables, languages, security headers, error pages."""
