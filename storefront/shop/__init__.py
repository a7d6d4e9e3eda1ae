"""The pages that shoppers browse: listing, product pages, legal pages."""
