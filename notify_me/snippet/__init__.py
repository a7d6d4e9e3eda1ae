"""Import of Klaviyo's older back-in-stock script: its options become settings of the kit.

Requires the extra `import` (`pip install restock-kit[import]`), whose libraries are imported on
first use.
"""
