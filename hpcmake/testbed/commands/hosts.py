"""Lists and files of hosts, as the mpiexecs take them.

Owns their reading.  Knows nothing of which hosts there are.
"""

from __future__ import annotations

from .refusal import Refusal


def parse_hosts(text: str) -> list[str]:
    """Return the hosts of a list such as `a,b:2`, each as often as it has slots."""
    found: list[str] = []
    for word in text.split(","):
        name, _, slots = word.strip().partition(":")
        if name:
            found += [name] * (int(slots) if slots.isdigit() else 1)
    return found


def read_hosts(face: str, path: str) -> list[str]:
    """Return the hosts of a file: one a line, with `:N` or `slots=N`; `#` begins a comment.  Raises Refusal."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line.partition("#")[0].split() for line in file.read().splitlines()]
    except OSError as problem:
        raise Refusal(f"{face}: {path}: {problem.strerror}") from None
    found: list[str] = []
    for words in lines:
        if words:
            slots = next((word.partition("=")[2] for word in words[1:] if word.startswith("slots=")), "")
            found += parse_hosts(f"{words[0]}:{slots}" if slots else words[0])
    return found
