"""Frozen records: value classes that cost next to nothing to define and to import.

Owns the one base class of hpcmake's value objects.  Knows nothing of what they mean.

The standard `dataclasses` module writes and compiles the methods of every class when it is imported: with a
hundred small classes that is longer than hpcmake may take to start.  A record shares one set of methods instead.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, Self, dataclass_transform
else:

    def dataclass_transform(**_options):  # noqa: ANN003, ANN201, D103  # typing is slow to import; for type checkers
        return lambda decorated: decorated


@dataclass_transform(frozen_default=True)
class RecordType(type):
    """Turns the annotations of a class body into slots, and assigned values into defaults."""

    _fields: tuple[str, ...]
    _defaults: dict[str, object]
    _setters: tuple[Callable[[object, object], None], ...]

    def __new__(mcls, name: str, bases: tuple[type, ...], space: dict[str, Any]) -> RecordType:  # noqa: D102
        own = tuple(field for field in space.get("__annotations__", ()) if field[0] != "_")
        defaults = {field: space.pop(field) for field in own if field in space}
        fields: tuple[str, ...] = ()
        inherited: dict[str, object] = {}
        for parent in bases:
            if isinstance(parent, RecordType):
                fields += parent._fields
                inherited.update(parent._defaults)  # noqa: SLF001  # of the same kind
        space["__slots__"] = own
        space["_fields"] = fields + own
        space["_defaults"] = {**inherited, **defaults}
        made = super().__new__(mcls, name, bases, space)
        # what its slot puts into a field takes half as long as what `object.__setattr__` does
        made._setters = tuple([getattr(made, field).__set__ for field in fields + own])
        return made


class Record(metaclass=RecordType):
    """A frozen value with named fields: equal, hashed, shown and copied by them.

    >>> class Point(Record):
    ...     x: int
    ...     y: int = 0
    >>> Point(1)
    Point(x=1, y=0)
    >>> Point(1).replace(y=2) == Point(1, 2)
    True
    """

    _fields: ClassVar[tuple[str, ...]]
    _defaults: ClassVar[dict[str, object]]
    _setters: ClassVar[tuple[Callable[[object, object], None], ...]]
    _uncompared: ClassVar[frozenset[str]] = frozenset()
    __slots__ = ()

    def __init__(self, *values: Any, **named: Any) -> None:
        setters = self._setters
        if named or len(values) != len(setters):
            values = self._complete(values, named)
        for put, value in zip(setters, values):  # noqa: B905  # they are as many; `strict` costs as much as a field
            put(self, value)

    def _complete(self, values: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, ...]:
        """Return the values of all fields.  Raises TypeError if they do not fit."""
        fields = self._fields
        if len(values) > len(fields):
            message = f"{type(self).__name__} takes {len(fields)} fields, not {len(values)}"
            raise TypeError(message)
        every = list(values)
        for field in fields[len(values) :]:
            if field in named:
                every.append(named.pop(field))
            elif field in self._defaults:
                every.append(self._defaults[field])
            else:
                message = f"{type(self).__name__} needs the field {field}"
                raise TypeError(message)
        if named:
            message = f"{type(self).__name__} has no field {', '.join(named)}, or has it twice"
            raise TypeError(message)
        return tuple(every)

    def __setattr__(self, name: str, value: object) -> None:
        message = f"{type(self).__name__}.{name} is frozen"
        raise AttributeError(message)

    def __delattr__(self, name: str) -> None:
        message = f"{type(self).__name__}.{name} is frozen"
        raise AttributeError(message)

    def _compared(self) -> tuple[object, ...]:
        skip = self._uncompared
        return tuple(getattr(self, field) for field in self._fields if field not in skip)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._compared() == other._compared()  # it is of our own type

    def __hash__(self) -> int:
        return hash((type(self).__name__, self._compared()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{field}={getattr(self, field)!r}" for field in self._fields)
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (type(self), tuple(getattr(self, field) for field in self._fields))

    def replace(self, **changes: Any) -> Self:
        """Return a copy in which the named fields have other values."""
        values = [changes.pop(field) if field in changes else getattr(self, field) for field in self._fields]
        return type(self)(*values, **changes)  # which refuses what is left of them
