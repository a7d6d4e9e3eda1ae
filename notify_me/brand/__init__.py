"""Import of a Klaviyo account's brand: its button, colours, fonts and logo.

Writing the settings to a file requires the `import` extra.
"""
