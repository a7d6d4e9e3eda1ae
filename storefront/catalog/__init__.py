"""The shop's products: queries, stock, the catalog file, and what Klaviyo is given of them."""
