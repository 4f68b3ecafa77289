"""What stands in a node: its name, what it counts and its state in words; and the look of each state.

Owns these words and colours, which all forms share.  Knows nothing of the forms.
"""

from __future__ import annotations

from hpcmake.drawing.graph import NOUNS
from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.drawing.graph import Node


class Look(Record):
    """How a state looks: two colours, the width of the border, and its dashes (empty: none).

    The state is also told in words, since colours alone are not seen by all.
    """

    fill: str
    stroke: str
    width: float = 1.2
    dash: str = ""


LOOKS = {
    "fresh": Look("#e4f2ea", "#2b7a57"),
    "stale": Look("#fff0c9", "#a86f00", 1.6),
    "running": Look("#dcebfb", "#1f6bb0", 2.4),
    "failed": Look("#fbdcd6", "#b3261e", 2.4),
    "unknown": Look("#f3f3f3", "#767676", 1.2, "4 3"),
    "source": Look("#ffffff", "#5c6670"),
}
"""The look of each state."""


def look_of(node: Node) -> Look:
    """Return the look of a node's state."""
    return LOOKS.get(node["state"], LOOKS["unknown"])


def visible(text: str) -> str:
    """Return a name in which all that cannot be shown is a replacement character; all forms can hold that."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def name_of(node: Node) -> str:
    """Return the first line of a node."""
    return visible(node["label"])


def note_of(node: Node) -> str:
    """Return the second line of a node: `10 tasks: 3 stale, 7 fresh`, `stale`, or nothing for a single source."""
    number, state = node["count"], node["state"]
    counted = f"{number:,} {NOUNS.get(node['kind'], 'node')}{'' if number == 1 else 's'}"
    states = {each: many for each, many in node.get("states", {}).items() if many and each != "source"}
    if len(states) > 1:
        return f"{counted}: " + ", ".join(f"{many:,} {each}" for each, many in states.items())
    words = "" if state == "source" else state
    if node["kind"] != "rule" and number == 1:
        return words
    return f"{counted}, {words}" if words else counted
