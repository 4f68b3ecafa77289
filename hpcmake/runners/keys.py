"""Keys of jobs, such as `hm0a1b2-001z-q7`: the name by which a job is found again, whatever became of its submission.

Owns their 15 letters, as many as every scheduler shows of a name.  Knows nothing of folders and claims.
"""

from __future__ import annotations

import re

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from hpcmake.runners.schedulers.jobs import JobState

MOST = 36**4
"""How many keys a campaign has."""

LENGTH = 15

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_KEY = re.compile(r"hm([0-9a-f]{5})-([0-9a-z]{4})-([0-9a-z]{2})")


class Key(Record):
    """A key's parts: the campaign's five digits, the number of the job in it, and two letters drawn by lot.

    The lot keeps two drivers that count alike from taking one another's jobs for their own.
    """

    campaign: str
    sequence: int
    lot: str

    def __str__(self) -> str:
        number = ""
        rest = self.sequence
        for _ in range(4):
            number = _DIGITS[rest % 36] + number
            rest //= 36
        return f"hm{self.campaign}-{number}-{self.lot}"


def make_campaign(drawn: bytes) -> str:
    """Return a new campaign's five digits from at least three random bytes."""
    return f"{int.from_bytes(drawn[:3], 'big') & 0xFFFFF:05x}"


def make_key(campaign: str, sequence: int, drawn: bytes) -> str:
    """Return the key of a campaign's job, from at least two random bytes.  Raises ValueError if it cannot be one."""
    key = str(Key(campaign, sequence, "".join(_DIGITS[each % 36] for each in drawn[:2])))
    if not 0 <= sequence < MOST or not _KEY.fullmatch(key):
        message = f"campaign {campaign!r} has no job {sequence} with {len(drawn)} random bytes"
        raise ValueError(message)
    return key


def parse_key(text: str) -> Key | None:
    """Return the parts of a key; None if the text is none."""
    match = _KEY.fullmatch(text)
    return Key(match[1], int(match[2], 36), match[3]) if match else None


def find_ours(jobs: Iterable[JobState], campaign: str) -> dict[str, list[JobState]]:
    """Return the campaign's jobs among those of a queue, by key: a key that was submitted twice has two."""
    ours: dict[str, list[JobState]] = {}
    for job in jobs:
        key = parse_key(job.name)
        if key is not None and key.campaign == campaign:
            ours.setdefault(job.name, []).append(job)
    return ours
