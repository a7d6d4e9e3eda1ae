"""Import of Klaviyo's older back-in-stock script: its options become kit settings.

Requires the `import` extra (`pip install restock-kit[import]`). Its libraries are imported on first
use.
"""
