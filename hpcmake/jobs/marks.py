"""What a user has ordered of the whole campaign: that it stops, and what it may spend.

Owns the files `stop`, `budget` and `campaign` in `.hpcmake`.  Knows nothing of who heeds them.
"""

from __future__ import annotations

import os
import re

from hpcmake.jobs.files import list_names, read_whole, remove, take, write_whole
from hpcmake.refusals import trouble
from hpcmake.runners.keys import make_campaign, parse_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CAMPAIGN = re.compile(r"[0-9a-f]{5}")


def write_stop(root: str, text: str = "") -> None:
    """Mark that nothing more is to be submitted; `text` says who wants that.  Raises Trouble."""
    write_whole(f"{root}/stop", f"{text}\n".encode("utf-8", "replace"), durable=True)


def is_stopped(root: str) -> bool:
    """Return whether nothing more is to be submitted."""
    return os.path.lexists(f"{root}/stop")


def clear_stop(root: str) -> None:
    """Let the campaign go on.  Raises Trouble."""
    remove(f"{root}/stop")


def write_budget(root: str, node_hours: float) -> None:
    """Keep what may be spent in all.  Raises Trouble."""
    write_whole(f"{root}/budget", f"{node_hours!r}\n".encode(), durable=True)


def read_budget(root: str) -> float | None:
    """Return what may be spent in all, in node-hours; None if nothing is said.  Raises Trouble."""
    raw = read_whole(f"{root}/budget")
    try:
        return float(raw) if raw is not None else None
    except ValueError:
        return 0.0  # nothing is spent that was not agreed, and this cannot be read


def find_campaign(root: str) -> str | None:
    """Return the campaign's five digits, by its file, or else by its jobs; None if it has neither.  Raises Trouble."""
    raw = read_whole(f"{root}/campaign")
    text = (raw or b"").decode("ascii", "replace").strip()
    if _CAMPAIGN.fullmatch(text):
        return text
    keys = [key for key in map(parse_key, list_names(f"{root}/jobs")) if key is not None]
    return max(keys, key=lambda key: key.sequence).campaign if keys else None


def require_campaign(root: str, drawn: Callable[[int], bytes] = os.urandom) -> str:
    """Return the campaign's five digits, which it is given now if it has none.  Raises Trouble."""
    path = f"{root}/campaign"
    known = find_campaign(root)
    text = known or make_campaign(drawn(3))
    raw = read_whole(path)
    if raw == f"{text}\n".encode():
        return text
    if raw is not None:  # what is there cannot be read
        write_whole(path, f"{text}\n".encode(), durable=True)
        return text
    try:
        os.makedirs(root, exist_ok=True)
    except OSError as error:
        raise trouble(error, "make the folder", root) from None
    take(path, f"{text}\n".encode())
    return find_campaign(root) or text
