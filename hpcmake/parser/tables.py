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
    Step: TypeAlias = tuple[str, int, Build | None, tuple[int, ...], int]
    """A reduction with the builder's method itself; None passes the one child on."""

PASS_ON = "="  # noqa: S105  # no password
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
        self.chains: dict[tuple[int, int, str], int] = {}  # where passing on leads, by state below, state and terminal
        self.finals = {final for _, final in starts.values()}

    def _chain(self, below: int, state: int, kind: str) -> int:
        """Return the state to which reductions that only pass their child on lead."""
        while True:
            action = self.actions[state].get(kind, 0)
            if action >= 0 or self.reductions[~action][1:3] != (1, PASS_ON):
                return state
            state = self.gotos[below][self.reductions[~action][0]]
            if state in self.finals:
                return state

    def run(self, start: str, lines: Iterable[Line], builder: object) -> object:
        """Return what the builder made of the lines, read as `start`.  Raises Unexpected at the first mistake."""
        actions, gotos, chains = self.actions, self.gotos, self.chains
        steps = [_step(reduction, builder) for reduction in self.reductions]
        state, final = self.starts[start]
        stack = _Stack(state)
        states, values, starts, ends = stack.states, stack.values, stack.starts, stack.ends
        behind: Token | None = None
        for line in _with_end(lines):
            for token in line.tokens:
                kind = token[0]
                while True:
                    action = actions[state].get(kind)
                    if action is None:
                        raise Unexpected(token, frozenset(actions[state]), line, behind)
                    if action >= 0:
                        break
                    step = steps[~action]
                    if step[2] is None:  # one child, passed on: as is the next, through all levels of precedence
                        key = (states[-2], state, kind)
                        passed = chains.get(key)
                        if passed is None:
                            chains[key] = passed = self._chain(*key)
                        states[-1] = state = passed
                    else:
                        stack.reduce(step, token[1])
                        state = gotos[states[-1]][step[0]]
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


class _Stack:
    """States, and for each but the first the value, and the place that it covers."""

    __slots__ = ("ends", "starts", "states", "values")

    def __init__(self, state: int) -> None:
        self.states = [state]
        self.values: list[object] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def reduce(self, step: Step, at: int) -> None:
        """Replace the symbols of a reduction by what is built of them; the state is left to the caller."""
        _, size, build, kept, lists = step
        values, starts, ends = self.values, self.starts, self.ends
        if size:
            first, last = starts[-size], ends[-1]
            found = values[-size:]
            del self.states[-size:], values[-size:], starts[-size:], ends[-size:]
        else:
            first = last = at
            found = []
        if lists or len(kept) != size:
            found = _kept(found, kept, lists)
        values.append(found if build is None else build(found, first, last))
        starts.append(first)
        ends.append(last)


def _with_end(lines: Iterable[Line]) -> Iterable[Line]:
    end = 0
    for line in lines:
        yield line
        end = line.tokens[-1][2]
    yield Line(0, [("$END", end, end, "")])


def _join(children: list[object], _start: int, _end: int) -> list[object]:
    return children


def _step(reduction: Reduction, builder: object) -> Step:
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
