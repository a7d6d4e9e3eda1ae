"""What is wrong with a file, by line."""

from __future__ import annotations

MOST = 50
"""Problems that are told one by one."""


class Unreadable(Exception):
    """The file can't be read from this line on."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


class WrongFile(Exception):
    """A file that can't be imported: nothing of it was."""

    def __init__(self, told: list[str], count: int) -> None:
        super().__init__("\n".join(told))
        self.told = told
        """The first problems: `line 7: …`."""
        self.count = count
        """All of them."""


class Problems:
    """What was found so far."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self.count = 0

    def add(self, line: int, text: str) -> None:
        """Note a problem of a line."""
        self.count += 1
        if self.count <= MOST:
            self._told.append(f"line {line}: {text}")

    def check(self) -> None:
        """Raise `WrongFile` if there is any."""
        if self.count:
            raise WrongFile(self._told, self.count)
