"""The words of the flow's messages. They are this project's own: a merchant writes others."""


def written(channel: str, brand: str, title: str, url: str) -> tuple[str | None, str]:
    """Return a message's subject, which a text has none of, and its body."""
    if channel == "EMAIL":
        return f"Back in stock: {title}", _EMAIL.format(title=title, url=url)
    return None, f"{brand}: {title} is back in stock. {url} Reply STOP to opt out."


_EMAIL = """\
Good news: {title} is back in stock.

You asked us to tell you. It may sell out again, and this message holds nothing back for you, so
have a look while it is there.

{url}"""
