"""The operators of the expression language, and what goes with what.

Owns what operators do to values, and which kinds do not mix.  Knows nothing of syntax: an error has no place yet.
"""

from __future__ import annotations

from hpcmake.planner.values import DurationOf, Row, Rows, SizeOf, Value, ValueTypeError, exact, kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fractions import Fraction

LONGEST_LIST = 10_000_000


def is_number(value: Value) -> bool:
    """Tell whether a value is a plain number."""
    return (isinstance(value, int) and not isinstance(value, bool)) or type(value).__name__ == "Fraction"


def fail(message: str, code: str = "E301", mend: str = "") -> ValueTypeError:
    """Return the mistake of values that do not allow what is asked of them."""
    return ValueTypeError(message, code, mend)


def too_long(what: str, count: int) -> ValueTypeError:
    """Return the mistake of a list or range that no memory should hold."""
    mend = "no campaign has so many; is a bound or a loop wrong?"
    return ValueTypeError(f"{what} of {count:,} is longer than ten million", "E305", mend)


def _fraction(number: int | Fraction) -> Fraction:
    from fractions import Fraction  # slow to import, seldom needed

    return Fraction(number)


def _numbers(operator: str, a: int | Fraction, b: int | Fraction) -> int | Fraction:
    if operator == "+":
        return exact(a + b)
    if operator == "-":
        return exact(a - b)
    if operator == "*":
        return exact(a * b)
    if b == 0:
        message = "division by zero"
        raise fail(message, mend="test it before: `a / b if b != 0 else 0`")
    if operator == "/":
        return a // b if isinstance(a, int) and isinstance(b, int) and a % b == 0 else exact(_fraction(a) / b)
    return exact(a // b if operator == "//" else a % b)


def _amount(value: DurationOf | SizeOf) -> int | Fraction:
    return value.seconds if isinstance(value, DurationOf) else value.count


def arithmetic(operator: str, left: Value, right: Value) -> Value:
    """Return `left operator right` for `+ - * / // %`.  Raises ValueTypeError where the kinds do not mix."""
    if is_number(left) and is_number(right):
        return _numbers(operator, left, right)  # type: ignore[arg-type]
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if operator == "+" and isinstance(left, list) and isinstance(right, list):
        return left + right
    for quantity in (DurationOf, SizeOf):
        if isinstance(left, quantity) and isinstance(right, quantity):
            if operator in "+-":
                return quantity(_numbers(operator, _amount(left), _amount(right)))
            if operator in {"/", "//"}:
                return _numbers(operator, _amount(left), _amount(right))
            if operator == "%":
                return quantity(_numbers(operator, _amount(left), _amount(right)))
        elif isinstance(left, quantity) and is_number(right) and operator in {"*", "/", "//"}:
            return quantity(_numbers(operator, _amount(left), right))  # type: ignore[arg-type]
        elif isinstance(right, quantity) and is_number(left) and operator == "*":
            return quantity(_numbers(operator, left, _amount(right)))  # type: ignore[arg-type]
    mend = _MIXED_MENDS.get(frozenset({kind_of(left), kind_of(right)}), "both sides must be of one kind")
    message = f"`{operator}` does not go with {kind_of(left)} and {kind_of(right)}"
    raise fail(message, mend=mend)


def signed(operator: str, value: Value) -> Value:
    """Return `+value` or `-value`.  Raises ValueTypeError for what has no sign."""
    if not is_number(value) and not isinstance(value, (DurationOf, SizeOf)):
        message = f"`{operator}` does not go with {kind_of(value)}"
        raise fail(message, mend="`int(…)` makes a number of a text")
    return arithmetic("*", value, -1 if operator == "-" else 1)


_TEXT_AND_NUMBER = "wildcards and cells of tables are text: `int(…)` makes a number of one"


_MIXED_MENDS = {
    frozenset({"text", "a number"}): f"{_TEXT_AND_NUMBER}, `str(…)` a text of a number",
    frozenset({"text", "an exact number"}): "`float(…)` makes a number of a text, `str(…)` a text of a number",
    frozenset({"a duration", "a number"}): "give the number a unit: `30m`, or `n * 1m`",
    frozenset({"a size", "a number"}): "give the number a unit: `2GiB`, or `n * 1GiB`",
}


def _comparable(left: Value, right: Value) -> bool:
    if left is None or right is None:
        return True
    if is_number(left) and is_number(right):
        return True
    return type(left) is type(right)


def sort_value(value: Value) -> object:
    """Return what a value is sorted by."""
    if isinstance(value, (DurationOf, SizeOf)):
        return _amount(value)
    if isinstance(value, list):
        return [sort_value(each) for each in value]
    return value


def compare(operator: str, left: Value, right: Value) -> bool:
    """Return a comparison.  Raises ValueTypeError where the kinds do not mix."""
    if operator in {"in", "not in"}:
        return _contains(right, left) == (operator == "in")
    if not _comparable(left, right):
        mend = _MIXED_MENDS.get(frozenset({kind_of(left), kind_of(right)}), "")
        if isinstance(left, str) != isinstance(right, str):
            mend = mend or _TEXT_AND_NUMBER
        message = f"{kind_of(left)} is never compared with {kind_of(right)}"
        raise fail(message, mend=mend or "both sides must be of one kind")
    if operator in {"==", "!="}:
        return (left == right) == (operator == "==")
    a, b = sort_value(left), sort_value(right)
    if isinstance(left, (dict, Rows, Row, bool)) or left is None or right is None:
        message = f"{kind_of(left)} and {kind_of(right)} have no order"
        raise fail(message, mend="compare what they hold")
    try:
        if operator == "<":
            return bool(a < b)  # type: ignore[operator]
        if operator == "<=":
            return bool(a <= b)  # type: ignore[operator]
        if operator == ">":
            return bool(a > b)  # type: ignore[operator]
        return bool(a >= b)  # type: ignore[operator]
    except TypeError:
        message = f"{kind_of(left)} and {kind_of(right)} have no order: what they hold does not mix"
        raise fail(message) from None


def _contains(box: Value, value: Value) -> bool:
    if isinstance(box, str):
        if not isinstance(value, str):
            message = f"only a text can be in a text, and this is {kind_of(value)}"
            raise fail(message, mend="`str(…)` makes a text of a number")
        return value in box
    if isinstance(box, list):
        for each in box:
            if not _comparable(each, value):
                message = f"{kind_of(value)} is never in a list that holds {kind_of(each)}"
                raise fail(message, mend="wildcards and cells of tables are text: `int(…)` makes a number of one")
        return value in box
    if isinstance(box, dict):
        return value in box
    if isinstance(box, Rows) and box.by_key is not None:
        return value in box.by_key
    message = f"nothing is `in` {kind_of(box)}"
    raise fail(message, mend="`in` asks a list, a text, or the keys of an object")


def require_bool(value: Value) -> bool:
    """Return a truth value.  Raises ValueTypeError for any other kind: nothing is true by being there."""
    if isinstance(value, bool):
        return value
    message = f"a condition is true or false, and this is {kind_of(value)}"
    raise fail(message, mend='compare it with something: `len(x) > 0`, `name != ""`')


def elements(value: Value) -> list[Value]:
    """Return what a loop runs over.  Raises ValueTypeError for what cannot be run over."""
    if isinstance(value, list):
        return value
    if isinstance(value, Rows):
        return list(value.rows)
    if isinstance(value, dict):
        return list(value)
    mend = "write `[…]` around it for a list of one" if isinstance(value, str) else ""
    message = f"{kind_of(value)} is not a list"
    raise fail(message, mend=mend)


def index(value: Value, at: Value) -> Value:
    """Return `value[at]`.  Raises ValueTypeError for a position or a key that is not there."""
    if isinstance(value, Rows) and value.by_key is not None:
        if not isinstance(at, str):
            message = f"this table is looked up by `{value.key}`, a text, and this is {kind_of(at)}"
            raise fail(message, mend="`str(…)` makes a text of a number")
        if at not in value.by_key:
            from hpcmake.diagnostics import did_you_mean  # only mistakes need it

            mend = did_you_mean(at, value.by_key) or f"there are: {', '.join(list(value.by_key)[:8])}"
            message = f"{value.name} has no row whose `{value.key}` is {at!r}"
            raise fail(message, "E302", mend)
        return value.by_key[at]
    if isinstance(value, dict):
        if at not in value:
            from hpcmake.diagnostics import did_you_mean  # only mistakes need it

            mend = did_you_mean(str(at), value) or f"there are: {', '.join(list(value)[:8])}"
            message = f"there is no {at!r} in it"
            raise fail(message, "E302", mend)
        return value[at]  # type: ignore[index]
    if not isinstance(value, (list, Rows)):
        message = f"{kind_of(value)} has no positions"
        raise fail(message, mend='a list has, and a text in pieces: `split(text, ",")[0]`')
    items = elements(value)
    if not isinstance(at, int) or isinstance(at, bool):
        message = f"a position is a whole number, and this is {kind_of(at)}"
        raise fail(message, mend="`int(…)` makes one of a text")
    if not -len(items) <= at < len(items):
        message = f"position {at} is outside a list of {len(items)}"
        raise fail(message, "E302", "positions are counted from 0")
    return items[at]


def span_of_range(low: Value, high: Value, step: Value | None) -> list[Value]:
    """Return `low..high..step`, both ends included.  Raises ValueTypeError for odd bounds and over ten million."""
    for bound in (low, high, step if step is not None else 1):
        if not isinstance(bound, int) or isinstance(bound, bool):
            message = f"a range is made of whole numbers, and this is {kind_of(bound)}"
            raise fail(message, mend="`int(…)` makes one of a text")
    by = 1 if step is None else step
    if by == 0:
        message = "a range cannot go by steps of 0"
        raise fail(message, mend="write a step from 1, or from -1 downwards")
    count = max(0, (high - low) // by + 1)  # type: ignore[operator]
    if count > LONGEST_LIST:
        what = "a range"
        raise too_long(what, count)
    return list(range(low, low + by * count, by))  # type: ignore[operator, arg-type]
