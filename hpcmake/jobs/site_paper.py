"""A site as values for JSON, and back: a job goes by the site as it was when it was submitted.

Owns the way there and back.  Knows nothing of any site.
"""

from __future__ import annotations

from hpcmake import site as nouns
from hpcmake.record import Record
from hpcmake.site import Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_KIND = "~"


def render_site(site: Site) -> Any:  # as JSON has it
    """Return a site as values for JSON."""
    return _plain(site)


def parse_site(plain: Any) -> Site:  # as JSON has it
    """Return the site that was rendered.  Raises ValueError if it is none."""
    try:
        found = _value(plain)
    except (KeyError, TypeError, AttributeError) as error:
        message = f"no site: {error}"
        raise ValueError(message) from None
    if not isinstance(found, Site):
        message = f"no site: {plain!r:.80}"
        raise ValueError(message)  # noqa: TRY004  # what was read from a file is at fault
    return found


def _plain(value: Any) -> Any:  # as JSON has it
    if isinstance(value, Record):
        names: tuple[str, ...] = type(value).__slots__
        return {_KIND: type(value).__name__, **{name: _plain(getattr(value, name)) for name in names}}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _value(plain: Any) -> Any:  # as JSON has it
    if isinstance(plain, list):
        return tuple(map(_value, plain))
    if not isinstance(plain, dict):
        return plain
    kind = getattr(nouns, plain[_KIND])
    return kind(**{name: _value(value) for name, value in plain.items() if name != _KIND})
