"""Strays: processes that a killed driver has left running.

Owns the mark by which they are known, and their end.  Knows nothing of what they were running.
"""

from __future__ import annotations

import os

from hpcmake.journal import FOLDER
from hpcmake.refusals import trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.report import Voice


def mark_of_campaign() -> str:
    """Return what each process of this campaign bears in its environment.  Raises Trouble.

    A copy of the folder gets a mark of its own, or else it would end what runs in the original.
    """
    path = f"{FOLDER}/mark"
    try:
        found = os.stat(FOLDER)
        place = f"{found.st_dev:x}:{found.st_ino:x}"
        words = _read_words(path)
        if len(words) == 2 and words[1] == place:  # noqa: PLR2004  # the mark, and where it holds
            return words[0]
        mark = f"hm{os.urandom(5).hex()}"
        fresh = f"{path}.{os.getpid()}.new"
        with open(fresh, "w", encoding="ascii") as file:
            file.write(f"{mark} {place}\n")
        os.replace(fresh, path)
    except OSError as error:
        raise trouble(error, "write", path, consequence="nothing was started") from None
    return mark


def _read_words(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().split()
    except (OSError, ValueError):
        return []


def end_strays(voice: Voice) -> None:
    """End the processes that a killed driver has left running, and tell it.  Raises Trouble."""
    from hpcmake.runners.process import end_all_strays

    count = end_all_strays(mark_of_campaign())
    if count:
        processes = "1 process" if count == 1 else f"{count} processes"
        voice.tell({"kind": "note", "text": f"the run before was killed, and had left {processes} running; ended"})
