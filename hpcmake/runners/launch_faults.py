"""What launchers say when it was not the program that failed: a launch that did not start, a node that was lost.

Owns these sentences, launcher by launcher.  Knows nothing of what is done about them.
"""

from __future__ import annotations

import re

from hpcmake.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Fault(Record):
    """What a launcher told: `why` is `launcher` (it did not start) or `node` (`nodes` failed); `text` is its line."""

    why: str
    text: str
    nodes: tuple[str, ...] = ()


_NOT_STARTED = re.compile(
    r"^(?:"
    r"apsched: .*(?:no more claims|claim exceeds|not enough|busy|retry).*"  # ALPS; seen: the first two
    r"|aprun: (?:Unexpected close of the apsys control connection|Exiting due to errors).*"
    r"|aprun: (?:apsched request failed|.*cannot connect|.*[Nn]o route).*"
    r"|srun: error: (?:Unable to create step|Unable to confirm allocation|Unable to contact|Job step creation"
    r"|slurm_receive_msg|Task launch for .* failed|Application launch failed|.*[Cc]onnection timed out).*"
    r"|srun: error: .*launch failed: .*"
    r"|.*(?:ssh: connect to host|Host key verification failed|HYDU_sock_connect|unable to connect to).*"
    r"|.*ORTE (?:was unable to reliably start|has lost communication with a remote daemon).*"
    r"|flux-job: .*(?:exception|unsatisfiable).*"
    r"|.*runjob.*(?:could not (?:be )?start|cannot connect|block .* is not).*"
    r")$",
    re.MULTILINE,
)
_NODE_FAILED = re.compile(
    r"^(?:srun: error: )?Node failure on (?P<slurm>\S+?)\.?$"
    r"|^.*[Rr]eceived node failed or halted event for nid (?P<alps>[0-9]+).*$"
    r"|^.*host (?P<pals>\S+) (?:failed|is down|has failed).*$",
    re.MULTILINE,
)


def find_fault(text: str, nodes: Iterable[str] = ()) -> Fault | None:
    """Return what a launcher has said that was no fault of the program, None if nothing was.

    `nodes` are those of the launch: a lost node is believed only if it is one of them.
    """
    names = set(nodes)
    for match in _NODE_FAILED.finditer(text):
        told = next(group for group in match.groups() if group is not None)
        lost = tuple(name for name in _expanded(told) if name in names or name.lstrip("0") in names)
        if lost:
            return Fault("node", match[0].strip(), lost)
    match_or_none = _NOT_STARTED.search(text)
    return Fault("launcher", match_or_none[0].strip()) if match_or_none is not None else None


def _expanded(text: str) -> list[str]:
    if "[" not in text and "," not in text:
        return [text]
    from hpcmake.diagnostics import Trouble
    from hpcmake.runners.notation import parse_hostlist

    try:
        return parse_hostlist(text)
    except Trouble:
        return []
