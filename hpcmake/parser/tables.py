"""The LALR tables of the language as plain values, and the loop that runs them.

Owns shifting and reducing.  Knows nothing of lark, which made the tables, nor of what the reductions build.

lark's own loop does the same for tokens of its own class; this one takes half a microsecond a step instead of two,
needs no import of lark (65 ms) when the tables are cached, and hands every reduction the place of all that it covers.
"""

from __future__ import annotations

from hpcmake.parser.tokens import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from hpcmake.parser.tokens import Token

    Reduction: TypeAlias = tuple[str, int, str, tuple[int, ...], int]
    """What is reduced to, how many symbols, the builder's method, which of them it is given, which one is spliced in.

    An empty method name joins lists (bit mask of the children that are lists), `=` passes its one child on.
    """

    Build: TypeAlias = Callable[[list[object], int, int], object]

PASS_ON = "="
JOIN = ""


class Unexpected(Exception):
    """A token that may not stand where it does; `expected` are the terminals that may."""

    def __init__(self, token: Token, expected: frozenset[str], line: Line, behind: Token | None) -> None:
        super().__init__(token[0])
        self.token = token
        self.expected = expected
        self.line = line
        self.behind = behind


class Tables:
    """Actions by state and terminal (a state to go to, or -1 - the number of a reduction), and the reductions."""

    def __init__(
        self,
        actions: list[dict[str, int]],
        gotos: list[dict[str, int]],
        reductions: list[Reduction],
        starts: dict[str, tuple[int, int]],
    ) -> None:
        self.actions = actions
        self.gotos = gotos
        self.reductions = reductions
        self.starts = starts

    def run(self, start: str, lines: Iterable[Line], builder: object) -> object:
        """Return what the builder made of the lines, read as `start`.  Raises Unexpected at the first mistake."""
        actions, gotos = self.actions, self.gotos
        steps = [_step(reduction, builder) for reduction in self.reductions]
        state, final = self.starts[start]
        states, values, starts, ends = [state], [], [], []
        behind: Token | None = None
        line: Line | None = None
        for line in _with_end(lines):
            for token in line.tokens:
                kind = token[0]
                while True:
                    action = actions[state].get(kind)
                    if action is None:
                        raise Unexpected(token, frozenset(actions[state]), line, behind)
                    if action >= 0:
                        break
                    origin, size, build, kept, lists = steps[~action]
                    if build is None:  # one child, passed on
                        del states[-1]
                        state = gotos[states[-1]][origin]
                        states.append(state)
                        if state == final and kind == "$END":
                            return values[-1]
                        continue
                    if size:
                        first, last = starts[-size], ends[-1]
                        found = values[-size:]
                        del states[-size:], values[-size:], starts[-size:], ends[-size:]
                    else:
                        first = last = token[1]
                        found = []
                    if lists or len(kept) != size:
                        found = _kept(found, kept, lists)
                    values.append(build(found, first, last))
                    starts.append(first)
                    ends.append(last)
                    state = gotos[states[-1]][origin]
                    states.append(state)
                    if state == final and kind == "$END":
                        return values[-1]
                state = action
                states.append(state)
                values.append(token)
                starts.append(token[1])
                ends.append(token[2])
                behind = token
        message = "the end of a text is always an action"
        raise AssertionError(message)


def _with_end(lines: Iterable[Line]) -> Iterable[Line]:
    end = 0
    for line in lines:
        yield line
        end = line.tokens[-1][2]
    yield Line(0, [("$END", end, end, "")])


def _join(children: list[object], _start: int, _end: int) -> list[object]:
    return children


def _step(reduction: Reduction, builder: object) -> tuple[str, int, Build | None, tuple[int, ...], int]:
    origin, size, method, kept, lists = reduction
    if method == PASS_ON and size == 1:
        return origin, size, None, kept, lists
    build = _join if method == JOIN else _only if method == PASS_ON else getattr(builder, method)
    return origin, size, build, kept, lists


def _only(children: list[object], _start: int, _end: int) -> object:
    return children[0]


def _kept(found: list[object], kept: tuple[int, ...], lists: int) -> list[object]:
    """Return the children that a reduction is given, lists of children spliced in; the first list is used again."""
    children: list[object] = []
    for index in kept:
        if not lists >> index & 1:
            children.append(found[index])
        elif children:
            children += found[index]  # type: ignore[arg-type]  # a list by construction
        else:
            children = found[index]  # type: ignore[assignment]
    return children
