"""`/studio`: every setting as a control, beside a preview of the shop, for one visitor alone."""
