"""Import of a Klaviyo account's brand: its button, colors, fonts and logo.

Writing the settings into a file requires the extra `import`.
"""
