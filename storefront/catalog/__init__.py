"""The shop's products: queries, stock, the catalog file, the feed for Klaviyo."""
