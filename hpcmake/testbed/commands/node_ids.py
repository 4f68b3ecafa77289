"""Lists of nodes as launchers take them: numbers with ranges, and names with brackets.

Owns their reading and their short forms.  Knows nothing of which nodes there are.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST = 1_000_000


def parse_node_ids(text: str) -> list[int]:
    """Return the numbers of a list such as `3826,3830-3833`.  Raises ValueError.

    >>> parse_node_ids("3826,3830-3832")
    [3826, 3830, 3831, 3832]
    """
    found: list[int] = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        if not (low.isascii() and low.isdigit()) or (dash and not (high.isascii() and high.isdigit())):
            raise ValueError(part)
        last = int(high) if dash else int(low)
        if last < int(low) or last - int(low) > MOST:
            raise ValueError(part)
        found += range(int(low), last + 1)
    return found


def render_node_ids(numbers: Iterable[int]) -> str:
    """Return numbers as a list with ranges.

    >>> render_node_ids([3826, 3827, 3829])
    '3826-3827,3829'
    """
    return ",".join(f"{low:d}" if low == high else f"{low}-{high}" for low, high in _runs(sorted(numbers)))


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def parse_hostlist(text: str) -> list[str]:
    """Return the names of a list such as `node[001-003,007],login1`.  Raises ValueError.

    >>> parse_hostlist("node[009-010],x1")
    ['node009', 'node010', 'x1']
    """
    found: list[str] = []
    for part in _split(text):
        head, bracket, rest = part.partition("[")
        if not bracket:
            if not part or "]" in part:
                raise ValueError(text)
            found.append(part)
            continue
        inside, closed, tail = rest.partition("]")
        if not closed or "[" in tail:
            raise ValueError(text)
        for each in inside.split(","):
            width = len(each.partition("-")[0])
            found += [f"{head}{number:0{width}}{tail}" for number in parse_node_ids(each)]
    return found


def _split(text: str) -> list[str]:
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def render_hostlist(names: Sequence[str]) -> str:
    """Return names as a list with brackets, if they differ in the number at their end.

    >>> render_hostlist(["node001", "node002", "node005"])
    'node[001-002,005]'
    """
    groups: dict[tuple[str, int], list[int]] = {}
    for name in names:
        head = name.rstrip("0123456789")
        digits = name[len(head) :]
        groups.setdefault((head, len(digits)), []).append(int(digits) if digits else -1)
    parts = []
    for (head, width), numbers in groups.items():
        runs = _runs(sorted(numbers))
        shown = [f"{low:0{width}}" if low == high else f"{low:0{width}}-{high:0{width}}" for low, high in runs]
        if numbers == [-1]:
            parts.append(head)
        elif len(numbers) == 1:
            parts.append(head + shown[0])
        else:
            parts.append(f"{head}[{','.join(shown)}]")
    return ",".join(parts)
