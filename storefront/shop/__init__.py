"""The pages that shoppers browse."""
