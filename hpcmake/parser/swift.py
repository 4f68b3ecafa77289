"""Making very many records at once: a third of the time of their ordinary construction.

Owns the short way around a record's constructor, and around the collector of cycles.
Knows nothing of what the records say.
"""

from __future__ import annotations

import gc

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Made = TypeVar("Made", bound=Record)


def maker(kind: type[Made]) -> Callable[..., Made]:
    """Return a function that makes records of one kind from the values of all their fields, in order.

    A parse makes seven records for each token.  The constructor of Record looks at the names of its fields each time;
    these closures have looked once.
    """
    new = object.__new__
    puts = [getattr(kind, field).__set__ for field in kind._fields]
    if len(puts) == 2:  # noqa: PLR2004  # written out by length, since a loop would cost what is to be saved
        first, second = puts

        def two(a: object, b: object) -> Made:
            made = new(kind)
            first(made, a)
            second(made, b)
            return made

        return two
    if len(puts) == 3:  # noqa: PLR2004
        first, second, third = puts

        def three(a: object, b: object, c: object) -> Made:
            made = new(kind)
            first(made, a)
            second(made, b)
            third(made, c)
            return made

        return three

    def many(*values: object) -> Made:
        made = new(kind)
        for put, value in zip(puts, values, strict=True):
            put(made, value)
        return made

    return many


class without_collector:  # noqa: N801  # read as a word in `with`; contextlib would have to be imported
    """Switches the collector of cycles off for a while: a tree has none, and a growing one is slow to look through."""

    def __enter__(self) -> None:
        self._was_on = gc.isenabled()
        gc.disable()

    def __exit__(self, *_: object) -> None:
        if self._was_on:
            gc.enable()
