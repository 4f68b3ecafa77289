"""What a launcher must say of itself: what it was asked for, where the ranks go, and how the end is told.

Owns the words between a launcher's face and what runs its ranks.  Knows nothing of any one launcher.
"""

from __future__ import annotations

import errno
import os

from .refusal import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from .refusal import Unclaimed
    from .state import State, Want

FIRST, ALL, NOBODY = "first", "all", "nobody"
"""Who reads the launcher's stdin; else the number of a rank, as text."""


class Rank:
    """A process of a launch: its number, that on its node, its node, and what it runs with what environment."""

    def __init__(self, number: int, local: int, node: str, argv: Sequence[str], environment: dict[str, str]) -> None:
        self.number = number
        self.local = local
        self.node = node
        self.argv = list(argv)
        self.environment = environment
        self.pid = 0
        self.status: int | None = None
        """Its exit status, negative: the signal that ended it; None while it runs."""
        self.usage = (0.0, 0.0, 0, 0, 0)
        """Seconds of user and of system time, kB of memory, blocks read and written."""


class Step:
    """A launch as it was asked for.

    `relayed` output comes through the launcher; else ranks write to its descriptors themselves.  `labelled` output has
    the number of its rank before each line.  `stays` tells whether ranks go on when their launcher was killed.
    `waits`: where nodes are busy, until they are not.  `spread` is what the face needs to place ranks.
    """

    def __init__(self, want: Want, spread: object) -> None:
        self.want = want
        self.spread = spread
        self.stdin = FIRST
        self.relayed = False
        self.labelled = False
        self.stays = False
        self.waits = False
        self.limit = 0.0
        """Seconds after which it is ended; 0: never."""
        self.cwd: str | None = None


class Outcome:
    """How a launch has ended: its ranks, the nodes that died under it, and the signal that ended it, if one did."""

    def __init__(self, number: int, step: Step, ranks: Sequence[Rank], lost: Sequence[str], ended_by: str) -> None:
        self.number = number
        self.step = step
        self.ranks = ranks
        self.lost = lost
        self.ended_by = ended_by
        """`""` by itself, `rank` since one failed, `time` at its own limit, `signal` by one to the launcher."""

    def failed(self) -> list[Rank]:
        """Return the ranks that have not ended with 0."""
        return [rank for rank in self.ranks if rank.status]


class Face:
    """A launcher.  Each method but `parse` and `place` has a plain answer that most of them share."""

    name = "launcher"
    passed: tuple[str, ...] = ("HUP", "INT", "QUIT", "TERM", "USR1", "USR2")
    """Signals that go on to all ranks."""
    ignored: tuple[str, ...] = ()
    busy: tuple[str, ...] = ("busy",)
    """Reasons for which this launcher waits, if it waits at all."""

    def __init__(self, state: State) -> None:
        self.state = state

    def parse(self, argv: list[str]) -> Step:
        """Return what was asked for.  Raises Refusal."""
        raise NotImplementedError

    def place(self, step: Step, names: list[str], number: int) -> list[Rank]:
        """Return the ranks of a launch on the nodes that it has claimed."""
        raise NotImplementedError

    def refuse(self, reason: Unclaimed, step: Step) -> Refusal:
        """Return what is said where the machine gives no nodes."""
        raise NotImplementedError

    def fail(self, number: int) -> Refusal:
        """Return what is said where the launch fails for no fault of the user's."""
        raise NotImplementedError

    def unstarted(self, rank: Rank, problem: OSError) -> tuple[tuple[str, ...], int]:
        """Return what is said of a program that a node cannot start, and the rank's exit status."""
        return ((f"{self.name}: {rank.argv[0]}: {os.strerror(problem.errno or errno.ENOENT)}",), 127)

    def begun(self, number: int) -> list[str]:
        """Return what stderr is told when a launch had to wait for its nodes, first, and when it got them."""
        return []

    def on_signal(self, name: str, *, again: bool, number: int, ranks: Sequence[Rank]) -> tuple[list[str], str]:
        """Return what stderr is told of a signal, and what is sent to the ranks: the name of a signal, or nothing."""
        return [], name

    def ends_others(self, rank: Rank) -> bool:
        """Tell whether the other ranks are ended since this one ended as it did."""
        return bool(rank.status)

    def ended(self, outcome: Outcome) -> tuple[list[str], list[str], int]:
        """Return what stdout is told at the end, what stderr is, and the exit status."""
        failed = outcome.failed()
        return [], [], exit_status(failed[0].status) if failed else 0


def exit_status(status: int | None) -> int:
    """Return the exit status as a shell tells it.

    >>> exit_status(-9)
    137
    """
    return 128 - status if status and status < 0 else status or 0


def parse_options(
    face: str, argv: Sequence[str], known: dict[str, str], flags: dict[str, str]
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the values of the options that stand before the program, by key, and the program with its words.

    `known` are options with a value, `flags` those without; both give the key.  Raises Refusal as `getopt` does.
    """
    values: dict[str, list[str]] = {}
    at = 0
    while at < len(argv):
        word = argv[at]
        if word == "--":
            at += 1
            break
        if len(word) < 2 or word[0] != "-":  # noqa: PLR2004  # a dash and a letter
            break
        at += 1
        name, equals, value = word.partition("=")
        if word in flags:
            values.setdefault(flags[word], []).append("")
        elif word in known:
            if at >= len(argv):
                raise Refusal(_missing(face, word), *_advice(face), status=_USAGE.get(face, 1))
            values.setdefault(known[word], []).append(argv[at])
            at += 1
        elif equals and name in known and name.startswith("--"):
            values.setdefault(known[name], []).append(value)
        elif equals and name in flags and name.startswith("--"):
            values.setdefault(flags[name], []).append(value)
        elif word[1] != "-" and word[:2] in known:
            values.setdefault(known[word[:2]], []).append(word[2:].removeprefix("="))
        elif word[1] != "-" and word[:2] in flags and "-" + word[2:3] in {**flags, **known}:
            values.setdefault(flags[word[:2]], []).append("")
            argv = [*argv[:at], "-" + word[2:], *argv[at:]]
        else:
            what = f"unrecognized option '{name}'" if word[1] == "-" else f"invalid option -- '{word[1]}'"
            raise Refusal(f"{face}: {what}", *_advice(face), status=_USAGE.get(face, 1))
    return values, list(argv[at:])


_USAGE = {"srun": 255}


def _missing(face: str, word: str) -> str:
    return (
        f"{face}: option '{word}' requires an argument"
        if word.startswith("--")
        else (f"{face}: option requires an argument -- '{word[1:]}'")
    )


def _advice(face: str) -> tuple[str, ...]:
    if face == "srun":
        return ('Try "srun --help" for more information',)
    return (f"Usage: {face} [global_options] [command_options] cmd1", "    [: [command_options] cmd2 [: ...] ]")


def find_program(word: str, path: str) -> str | None:
    """Return where a program lies, as a shell finds it; None if there is none."""
    if "/" in word:
        return word if os.path.isfile(word) else None
    for folder in path.split(os.pathsep):
        candidate = os.path.join(folder, word)
        if os.access(candidate, os.X_OK) and os.path.isfile(candidate):
            return candidate
    return None
