"""One module for each of Klaviyo's resources: what a call to it does."""
