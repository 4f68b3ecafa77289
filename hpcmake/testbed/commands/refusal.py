"""What a command says when it refuses, and why the machine does.

Owns the two forms of «no».  Knows nothing of their words.
"""

from __future__ import annotations


class Refusal(Exception):
    """A command ends with these lines on stderr (`out`: on stdout) and this exit status."""

    def __init__(self, *lines: str, status: int = 1, out: tuple[str, ...] = ()) -> None:
        super().__init__(*lines)
        self.lines = lines
        self.status = status
        self.out = out


class Unclaimed(Exception):
    """The machine gives no nodes.

    `why` is `absent` (a node that is not of this allocation), `many` (more nodes than it has), `cpus` or `memory` (more
    than a node has), `down` (a node that has died), `busy`, or `most` (too many launches at once); `names` are nodes.
    """

    def __init__(self, why: str, *names: str) -> None:
        super().__init__(why, *names)
        self.why = why
        self.names = names
