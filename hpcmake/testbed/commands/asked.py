"""What Slurm's commands say of the one job that an emulated machine holds, and that there is nothing else.

Owns squeue and scontrol as far as a job asks them for itself.  Knows nothing of queues.
"""

from __future__ import annotations

import os
import sys
import time

from .face import parse_options
from .node_ids import parse_hostlist, render_hostlist
from .refusal import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .state import State


def absent(state: State, argv: list[str]) -> int:
    """Say that a command is not emulated; the first word is its name."""
    if state.settings["scheduler"] != "slurm":
        raise Refusal(f"{argv[0]}: the testbed emulates a queue without this command")
    lines = (
        f"{argv[0]}: the testbed of this version emulates an allocation only: the nodes of a job, not a queue",
        f"{argv[0]}: run the campaign inside it, as `hpcmake --here`, or start hpcmake on the real machine",
    )
    raise Refusal(*lines)


def _left(state: State) -> int:
    return max(0, state.number("end") - int(time.time()))


def squeue(state: State, argv: list[str]) -> int:
    """Answer squeue [-h] [-j JOB] [-o FORMAT]."""
    flags = dict.fromkeys(("-h", "--noheader", "--me"), "flag")
    known = {**dict.fromkeys(("-j", "--job", "--jobs"), "job"), **dict.fromkeys(("-o", "--format"), "format")}
    values, _ = parse_options("squeue", argv, {**known, "-u": "user", "--user": "user"}, flags)
    job = state.settings["job"]
    if "job" in values and job not in values["job"][-1].split(","):
        raise Refusal("slurm_load_jobs error: Invalid job id specified")
    fields = {
        "i": job,
        "j": state.settings["name"],
        "u": os.environ.get("USER", "user"),
        "P": state.settings["queue"],
        "T": "RUNNING",
        "t": "R",
        "r": "None",
        "L": _clock(_left(state)),
        "l": _clock(state.number("end") - state.number("start")),
        "M": _clock(int(time.time()) - state.number("start")),
        "D": str(len(state.names)),
        "N": render_hostlist(state.names),
        "e": time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(state.number("end"))),
        "S": time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(state.number("start"))),
    }
    text = values.get("format", ["%i %P %j %u %t %M %D %N"])[-1]
    pieces = text.split("%")
    shown = pieces[0] + "".join(_field(piece, fields) for piece in pieces[1:])
    sys.stdout.write(shown + "\n")
    return 0


def _field(piece: str, fields: dict[str, str]) -> str:
    rest = piece.lstrip(".0123456789")
    return fields.get(rest[:1], "") + rest[1:]


def _clock(seconds: int) -> str:
    """Return a time as Slurm does: `9:40`, `1:00:00`, `1-00:00:00`."""
    days, hours, minutes, rest = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60, seconds % 60
    if days:
        return f"{days}-{hours:02}:{minutes:02}:{rest:02}"
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def scontrol(state: State, argv: list[str]) -> int:
    """Answer scontrol show hostnames [LIST], show hostlist NAMES, and show job [JOB]."""
    if argv[:1] == ["show"] and len(argv) > 1:
        if argv[1].startswith("hostn"):
            names = parse_hostlist(argv[2]) if len(argv) > 2 else state.names  # noqa: PLR2004
            sys.stdout.write("".join(name + "\n" for name in names))
            return 0
        if argv[1].startswith("hostl"):
            sys.stdout.write(render_hostlist(",".join(argv[2:]).split(",")) + "\n")
            return 0
        if argv[1].startswith("job"):
            if len(argv) > 2 and argv[2] != state.settings["job"]:  # noqa: PLR2004
                raise Refusal("slurm_load_jobs error: Invalid job id specified")
            start, end = (
                time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(state.number(key))) for key in ("start", "end")
            )
            lines = [
                f"JobId={state.settings['job']} JobName={state.settings['name']}",
                "   JobState=RUNNING Reason=None Dependency=(null)",
                f"   StartTime={start} EndTime={end} Deadline=N/A",
                f"   Partition={state.settings['queue']}",
                f"   NodeList={render_hostlist(state.names)}",
                f"   NumNodes={len(state.names)}",
            ]
            sys.stdout.write("\n".join(lines) + "\n\n")
            return 0
    return absent(state, ["scontrol"])
