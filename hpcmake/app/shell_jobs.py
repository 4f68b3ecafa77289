"""Jobs as plain scripts of bash, in the manner in which people write them: loops, `&`, a pause, `wait`.

Owns the text of these scripts.  Knows nothing of how tasks became functions, nor of plans.

Tasks that share nodes go out as one launch a node, which runs its share of the rows, some at a time; wide ones as one
launch each, as many beside each other as the nodes hold.  What a stage makes is there before the next one begins.
"""

from __future__ import annotations

from hpcmake.app.job_words import MISSING, directives
from hpcmake.app.shell_functions import HOSTS
from hpcmake.record import Record
from hpcmake.runners.launchers import render_node_launch
from hpcmake.tasks.quoting import quote_word
from hpcmake.units import render_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hpcmake.app.shell_functions import Group
    from hpcmake.planner.batches import Job
    from hpcmake.site import Site

MARK = "Written by `hpcmake script`"
"""Stands in each script, so that an older one of ours can be told from what is somebody's own."""

UNNAMED = ("aprun", "flux")
"""Launchers that find free nodes of the job by themselves."""

_BY_SCHEDULER = {
    "slurm": 'scontrol show hostnames "$SLURM_JOB_NODELIST"',
    "pbs": 'sort -u "$PBS_NODEFILE"',
    "cobalt": 'sort -u "$COBALT_NODEFILE"',
}

_ROWS = """\
# runs every STEP-th of the rows from FIRST on, one after the other, each again if it fails, up to TRIES times
run_rows() { # FIRST STEP TRIES
    local at try failed=0
    for ((at = $1; at < ${#rows[@]}; at += $2)); do
        for ((try = 1; ; try++)); do
            eval "${rows[at]}" </dev/null &
            if wait "$!"; then break; fi
            echo "failed ($try of $3): ${rows[at]}" >&2
            if ((try >= $3)); then
                failed=1
                break
            fi
        done
    done
    return "$failed"
}

# the same with several rows at a time
run_beside() { # HOW-MANY ROWS FIRST STEP TRIES
    local -a rows pids=()
    mapfile -t rows < <("$2")
    for ((slot = 0; slot < $1; slot++)); do
        run_rows $(($3 + slot * $4)) $(($4 * $1)) "$5" &
        pids+=("$!")
    done
    wait_for "${pids[@]}"
}

wait_for() { # PID...
    local pid failed=0
    for pid in "$@"; do
        wait "$pid" || failed=1
    done
    return "$failed"
}
"""

_ON_NODE = """
# on a node: this script is started there once more, with these words
if [ "${1-}" = on-node ]; then
    shift
    run_beside "$@"
    exit
fi
"""

_SHARED = """\
# on the script's own node: starts a launch on each of some nodes, which runs its share of the rows
share_nodes() {{ # ROWS HOW-MANY-A-NODE LAUNCHES TRIES
    local -a pids=()
    local node failed=0
    for ((node = 0; node < $3; node++)); do
        if ((${{#pids[@]}} >= at_once)); then
            wait_for "${{pids[@]}}" || failed=1
            pids=()
        fi
{hosts}        {launch} \\
            bash "$script" on-node "$2" "$1" "$node" "$3" "$4" </dev/null &
        pids+=("$!")
        sleep "$pause"
    done
    wait_for "${{pids[@]}}" && return "$failed"
}}
"""

_WIDE = """\
# on the script's own node: runs rows that launch by themselves, so many beside each other, each on WIDTH nodes
launch_beside() {{ # ROWS HOW-MANY WIDTH TRIES
    local -a rows pids=()
    mapfile -t rows < <("$1")
    for ((slot = 0; slot < $2; slot++)); do
{hosts}        run_rows "$slot" "$2" "$4" &
        pids+=("$!")
        sleep "$pause"
    done
    wait_for "${{pids[@]}}"
}}
"""

_BLOCKS = """\
# boots blocks of WIDTH nodes, runs rows on them, one at a time on each, and frees them
boot_and_launch() { # ROWS HOW-MANY WIDTH TRIES
    local -a blocks rows pids=()
    local block failed=0
    mapfile -t rows < <("$1")
    mapfile -t blocks < <(get-bootable-blocks --size "$3" "$COBALT_PARTNAME")
    blocks=("${blocks[@]:0:$2}")
    for block in "${blocks[@]}"; do
        boot-block --block "$block" &
        pids+=("$!")
        sleep "$pause"
    done
    wait_for "${pids[@]}" || return 1
    pids=()
    for ((slot = 0; slot < ${#blocks[@]}; slot++)); do
        hosts=${blocks[slot]}
        run_rows "$slot" "${#blocks[@]}" "$4" &
        pids+=("$!")
        sleep "$pause"
    done
    wait_for "${pids[@]}" || failed=1
    for block in "${blocks[@]}"; do
        boot-block --block "$block" --free
    done
    return "$failed"
}
"""


class Step(Record):
    """Tasks that run beside each other: `width` nodes each (0: they share nodes, `beside` on one), with `tries`."""

    stage: int
    group: Group
    width: int
    beside: int
    tries: int


def job_text(site: Site, job: Job, steps: Sequence[Step], *, path: str, root: str, of: int) -> str:
    """Return the script of a job, to be written to an absolute path; it runs in the root of the campaign."""
    return "\n".join(_Script(site, job, steps, path, root, of).lines()) + "\n"


class _Script:
    def __init__(self, site: Site, job: Job, steps: Sequence[Step], path: str, root: str, of: int) -> None:
        self.site = site
        self.job = job
        self.steps = steps
        self.path = path
        self.root = root
        self.of = of
        self.wide = any(step.width for step in steps)
        self.shared = any(not step.width for step in steps)
        self.named = site.launcher not in UNNAMED and site.launcher != "runjob"

    def lines(self) -> Iterator[str]:
        yield from self.head()
        yield ""
        yield "# ---- tasks: a function stops at the first command that fails"
        for step in self.steps:
            for text in step.group.functions:
                yield ""
                yield "# shellcheck disable=all # the commands are those of the Wfile"
                yield text
        yield ""
        yield "# ---- what is to be run: a task a line"
        for number, step in enumerate(self.steps, 1):
            yield from ("", f"rows_{number}() {{", "    cat <<'ROWS'", *step.group.calls, "ROWS", "}")
        yield ""
        yield "# ---- how"
        yield ""
        yield from _ROWS.splitlines()
        if self.shared:
            yield from _ON_NODE.splitlines()
        yield from self.functions()
        yield from self.body()

    def head(self) -> Iterator[str]:
        """Yield what the scheduler reads, what people read, and where the script runs."""
        job, site = self.job, self.site
        mark = {"cobalt": "#COBALT", "pbs": "#PBS", "slurm": "#SBATCH"}[site.scheduler]
        yield "#!/bin/bash"
        yield from (f"{mark} {words}" for words in directives(site, job) if MISSING not in words)
        tasks = f"{job.count} task{'s' if job.count != 1 else ''}"
        where = f"{job.nodes} node{'s' if job.nodes != 1 else ''} of {site.name}, {render_duration(job.walltime)}"
        yield f"# Job {job.number + 1} of {self.of}: {tasks} on {where}."
        yield f"# {MARK}; runs without hpcmake, and makes what is listed here whether it is there or not."
        if job.after:
            numbers = ", ".join(str(number + 1) for number in job.after)
            yield f"# Needs what job{'s' if len(job.after) > 1 else ''} {numbers} made."
        yield ""
        yield "# shellcheck disable=SC2317,SC2329 # functions are called by the names in rows"
        yield from site.setup.splitlines()
        yield "set -u"
        yield f"cd {quote_word(self.root)} || exit 3"
        if self.shared:
            yield f"script={quote_word(self.path)}"
            yield f"at_once={site.launch.at_once or job.nodes} # launches at a time, at most"
        yield f"pause={_pause(site)} # seconds between two launches"

    def functions(self) -> Iterator[str]:
        """Yield what starts launches, as far as it is needed."""
        site = self.site
        if self.named:
            yield ""
            yield f"mapfile -t names < <({_BY_SCHEDULER[site.scheduler]})"
        if self.shared:
            words = render_node_launch(site, [HOSTS], [], kind=self.job.shape.node)
            launch = " ".join(self._launch(words))
            hosts = "        hosts=${names[node]}\n" if self.named else ""
            yield ""
            yield from _SHARED.format(launch=launch, hosts=hosts).splitlines()
        if self.wide and site.launcher == "runjob":
            yield ""
            yield from _BLOCKS.splitlines()
        elif self.wide:
            join = '        hosts=$(IFS=,; echo "${names[*]:slot * $3:$3}")\n' if self.named else ""
            yield ""
            yield from _WIDE.format(hosts=join).splitlines()

    def _launch(self, words: Sequence[str]) -> list[str]:
        kept = without_hosts(words) if not self.named else list(words)
        return [word.replace(HOSTS, '"$hosts"') if HOSTS in word else quote_word(word) for word in kept]

    def body(self) -> Iterator[str]:
        """Yield the steps, stage by stage, and the end."""
        yield ""
        yield "# ---- the work"
        folders = list(dict.fromkeys(folder for step in self.steps for folder in step.group.folders))
        if folders:
            yield ""
            yield "while IFS= read -r folder; do mkdir -p -- \"$folder\"; done <<'FOLDERS'"
            yield from folders
            yield "FOLDERS"
        yield ""
        yield "failed=0"
        for number, step in enumerate(self.steps, 1):
            count = len(step.group.calls)
            what = f"{count} task{'s' if count != 1 else ''} of {step.group.rule}"
            yield ""
            if step.width:
                beside = min(max(1, self.job.nodes // step.width), count)
                yield f"# {what}, {beside} beside each other on {step.width} nodes each"
                call = "boot_and_launch" if self.site.launcher == "runjob" else "launch_beside"
                yield f"{call} rows_{number} {beside} {step.width} {step.tries} || failed=1"
            else:
                launches = min(self.job.nodes, -(-count // step.beside))
                each = min(step.beside, -(-count // launches))
                where = f"on each of {launches} nodes" if launches != 1 else "on one node"
                yield f"# {what}, {each} at a time {where}" if count > 1 else f"# {what}"
                yield f"share_nodes rows_{number} {each} {launches} {step.tries} || failed=1"
            is_last = number == len(self.steps)
            if not is_last and self.steps[number].stage != step.stage:
                yield '[ "$failed" = 0 ] || exit 1 # what follows needs it'
        yield ""
        yield 'exit "$failed"'


def without_hosts(words: Sequence[str]) -> list[str]:
    """Return a launcher's words without the option that names nodes."""
    kept: list[str] = []
    for word in words:
        if word == HOSTS:
            kept.pop()
        elif HOSTS not in word:
            kept.append(word)
    return kept


def _pause(site: Site) -> str:
    if site.launch.pause:
        return f"{site.launch.pause:g}"
    return "5" if site.launcher == "runjob" else "0"


# ---------------------------------------------------------------- submitting


def submit_text(site: Site, jobs: Sequence[Job], names: Sequence[str], folder: str) -> str:
    """Return the script that submits the jobs, each to begin when those that it needs have ended well."""
    lines = [
        "#!/bin/bash",
        f"# {MARK}: submits its jobs in their order.",
        "# Each begins when those that make what it needs have ended well.",
        "set -eu",
        f"cd {quote_word(folder)}",
    ]
    options: list[str] = []
    if any(MISSING in words for words in directives(site, jobs[0])) and jobs:
        lines.append(f': "${{{MISSING}:?set {MISSING} to the project that is to be charged}}"')
        options.append(f'-A "${MISSING}"')
    lines.append("")
    for job, name in zip(jobs, names, strict=True):
        parents = [f"$job_{number + 1}" for number in job.after if number >= 0]
        words = [*_submitter(site), *options, *_after(site, parents), quote_word(name)]
        lines.append(f"job_{job.number + 1}=$({' '.join(words)}{_ID.get(site.scheduler, '')})")
        lines.append(f'echo "job {job.number + 1}: $job_{job.number + 1}"')
    return "\n".join(lines) + "\n"


_ID = {"cobalt": " | awk '/^[0-9]/ { id = $1 } END { print id }'"}
"""What takes the number of a job out of what its scheduler prints beside it."""


def _submitter(site: Site) -> list[str]:
    return ["sbatch", "--parsable"] if site.scheduler == "slurm" else ["qsub"]


def _after(site: Site, parents: Sequence[str]) -> list[str]:
    if not parents:
        return []
    ids = ":".join(parents)
    if site.scheduler == "cobalt":
        return [f'--dependencies "{ids}"']
    if site.scheduler == "pbs":
        return [f'-W depend=afterok:"{ids}"']
    return [f'--dependency=afterok:"{ids}"']
