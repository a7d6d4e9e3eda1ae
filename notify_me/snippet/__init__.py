"""Import of Klaviyo's older back-in-stock script: its options become settings of the kit.

Requires the `import` extra (`pip install restock-kit[import]`). Its libraries are imported on first
use.
"""
