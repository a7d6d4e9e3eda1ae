"""The `flask notify-me` command group. Its commands are imported only when one is used, since web
processes don't need them.
"""

from __future__ import annotations

import click


class Commands(click.Group):
    """A group that imports the commands in `cli.py` only when one is used, or to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        from .cli import commands

        return commands.list_commands(ctx)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command with this name, or None."""
        from .cli import commands

        return commands.get_command(ctx, cmd_name)


commands = Commands("notify-me", help="Back-in-stock sign-ups and their delivery to Klaviyo.")
