"""qstat of Cobalt: jobs and queues as tables.

Owns its columns.  Knows nothing of how jobs come to be as they are.
"""

from __future__ import annotations

from hpcmake.testbed.queue.cobalt_jobs import SHORT, CobaltJob, render_date, render_time
from hpcmake.testbed.queue.cobalt_words import USAGES, Options, Refused, render_block, render_table
from hpcmake.testbed.queue.nouns import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.testbed.queue.cobalt import Cobalt
    from hpcmake.testbed.queue.cobalt_jobs import CobaltQueue
    from hpcmake.testbed.queue.core import Queue
    from hpcmake.testbed.queue.nouns import Request

FEW = "JobID User WallTime Nodes State Location".split()
MORE = (
    "JobID JobName User WallTime QueuedTime RunTime TimeRemaining Nodes State Location Mode Procs Preemptable Queue "
    "StartTime Index".split()
)
ALL = (
    "JobID JobName User WallTime QueuedTime RunTime TimeRemaining Nodes State Location Mode Procs Preemptable "
    "User_Hold Admin_Hold Queue StartTime Index SubmitTime Path OutputDir ErrorPath OutputPath Envs Command Args "
    "Kernel KernelOptions ION_Kernel ION_KernelOptions Project Dependencies S Notify Score Maxtasktime attrs "
    "dep_frac user_list Geometry Est_Start_Time".split()
)
OF_QUEUES = "Name Users Groups MinTime MaxTime MaxRunning MaxQueued MaxUserNodes MaxNodeHours TotalNodes State".split()
NAMES = {"short_state": "S", **{name.lower(): name for name in ALL}}
OPTIONS = Options(
    {"--header": "header", **dict.fromkeys(("-u", "--user"), "user"), "--sort": "sort"},
    {
        **dict.fromkeys(("-f", "--full"), "full"),
        **dict.fromkeys(("-l", "--long"), "long"),
        **dict.fromkeys(("-Q",), "queues"),
        "--reverse": "reverse",
        **dict.fromkeys(("-d", "--debug"), "debug"),
        "--help": "help",
    },
)


def show(cobalt: Cobalt, queue: Queue, request: Request) -> Answer:
    """Tell of jobs, or of queues.  Raises Refused."""
    values, words = OPTIONS.parse("qstat", request.argv)
    if "help" in values:
        return Answer(USAGES["qstat"])
    is_long = "long" in values
    if "queues" in values:
        wanted = [cobalt.queues[name] for name in sorted(cobalt.queues) if not words or name in words]
        if words and not wanted:
            return Answer(status=1)
        return Answer(_render(OF_QUEUES, [_cells_of_queue(each) for each in wanted], is_long=is_long))
    jobs = _chosen(cobalt, queue, words)
    if jobs is None:
        return Answer(status=1)
    if "user" in values:
        jobs = [job for job in jobs if job.user == values["user"][-1]]
    head = _columns(values, request.environment, is_full="full" in values, is_long=is_long)
    rows = [_cells(cobalt, queue, job) for job in jobs]
    first = "score" if any(name.lower() == "score" for name in head) else head[0].lower()
    keys = values["sort"][-1].lower().split(":") if "sort" in values else [first]
    rows.sort(key=lambda row: [_order(row.get(key, "-")) for key in keys], reverse="reverse" in values)
    shown = [NAMES.get(name.lower(), name) for name in head]
    return Answer(_render(shown, [[row.get(name.lower(), "-") for name in shown] for row in rows], is_long=is_long))


def _render(head: Sequence[str], rows: Sequence[Sequence[str]], *, is_long: bool) -> str:
    if is_long:
        return "".join(render_block(head, row) for row in rows)
    return render_table(head, rows)


def _order(cell: str) -> tuple[int, int, str]:
    """Return what a value is sorted by: numbers by their size, before texts."""
    return (0, int(cell), "") if cell.isascii() and cell.isdigit() else (1, 0, cell)


def _chosen(cobalt: Cobalt, queue: Queue, words: Sequence[str]) -> list[CobaltJob] | None:
    """Return the jobs that were asked for by numbers or queues; None if there is none of them.  Raises Refused."""
    jobs = [job for job in queue.jobs.values() if isinstance(job, CobaltJob)]
    if not words:
        return jobs
    found: list[CobaltJob] = []
    is_there = False
    for word in words:
        if word.isascii() and word.isdigit():
            mine = [job for job in jobs if job.number == int(word)]
            is_there = is_there or bool(mine)
        elif word in cobalt.queues:
            mine = [job for job in jobs if job.queue == word]
            is_there = True
        else:
            raise Refused(f"{word} is not a valid jobid or queue name\n")
        found += [job for job in mine if job not in found]
    return found if is_there else None


def _columns(
    values: Mapping[str, list[str]], environment: Mapping[str, str], *, is_full: bool, is_long: bool
) -> list[str]:
    """Return the columns: those of -f before all, else those that were asked for, else those of the environment."""
    if is_full:
        usual = environment.get("CQSTAT_HEADER_FULL") or environment.get("QSTAT_HEADER_FULL")
        return ALL if is_long else usual.split(":") if usual else MORE
    if "header" in values:
        return values["header"][-1].split(":")
    usual = environment.get("CQSTAT_HEADER") or environment.get("QSTAT_HEADER")
    return usual.split(":") if usual else FEW


def _cells(cobalt: Cobalt, queue: Queue, job: CobaltJob) -> dict[str, str]:
    """Return the values of all columns, by their names in small letters."""
    now, started = queue.now, job.started
    runs = started is not None
    since = started if started is not None else now
    state = job.state
    found = {
        "JobID": job.number,
        "JobName": job.name,
        "User": job.user,
        "WallTime": render_time(job.walltime),
        "QueuedTime": render_time(since - job.submitted),
        "RunTime": render_time(now - since) if runs else "N/A",
        "TimeRemaining": render_time(since + job.walltime - now) if runs else "N/A",
        "Nodes": job.count,
        "State": state,
        "Location": cobalt.location(job),
        "Mode": "script",
        "Procs": job.procs,
        "Preemptable": False,
        "User_Hold": job.user_hold,
        "Admin_Hold": False,
        "Queue": job.queue,
        "StartTime": render_date(since) if runs else "N/A",
        "Index": None,
        "SubmitTime": render_date(job.submitted),
        "Path": job.path,
        "OutputDir": job.cwd,
        "ErrorPath": job.error,
        "OutputPath": job.output,
        "Envs": " ".join(f"{name}={value}" for name, value in job.variables.items()),
        "Command": job.argv[0],
        "Args": " ".join(job.argv[1:]),
        "Kernel": "default",
        "KernelOptions": None,
        "ION_Kernel": "default",
        "ION_KernelOptions": None,
        "Project": job.project or None,
        "Dependencies": job.show_dependencies(),
        "S": SHORT.get(state, "H"),
        "Notify": job.notify or None,
        "Score": "  0.1  ",
        "Maxtasktime": None,
        "attrs": dict(sorted(job.attrs.items())),
        "dep_frac": None,
        "user_list": ":".join(job.users),
        "Geometry": job.geometry or "Any",
        "Est_Start_Time": "-",
    }
    return {name.lower(): str(value) for name, value in found.items()}


def _cells_of_queue(queue: CobaltQueue) -> list[str]:
    times = [None if seconds is None else render_time(seconds) for seconds in (queue.shortest, queue.longest)]
    hours = None if queue.node_hours is None else f"{queue.node_hours:g}"
    users = ":".join(queue.users) or None
    limits = [queue.running, queue.queued, queue.user_nodes, hours, queue.nodes]
    return [str(cell) for cell in (queue.name, users, None, *times, *limits, queue.state)]
