"""A machine as data: its kinds of nodes, its queues with their limits, how programs are launched, and what is charged.

Owns the nouns of a site and what follows from them by arithmetic.  Knows nothing of the files that describe sites.

Durations are seconds, sizes bytes.  None stands for what nobody has said: who needs such a value asks for it by
`hpcmake.sites.require`, and nobody guesses.
"""

from __future__ import annotations

from hpcmake.record import Record

SCHEDULERS = ("cobalt", "pbs", "slurm", "none")
LAUNCHERS = ("aprun", "srun", "mpiexec", "runjob", "flux", "none")
MPIS = ("pals", "mpich", "openmpi")
RUNS = ("shell", "program")
PLACES = ("launch-node", "compute-node")
SUBMITS = ("yes", "no", "probe")
CARRIERS = ("pipe", "mailbox")
OVER_LIMIT = ("mailbox", "wait")
UNITS = ("node-hours", "core-hours")
LIMITED = ("running", "queued", "node-hours")
SCOPES = ("user", "project")
PURPOSES = ("work", "trial", "asked")
NEEDS = ("project", "filesystems")


class NodeKind(Record):
    """One kind of node.

    `cores` and `gpus` are those that tasks may use.  `count` is how many such nodes there are, `scratch` a folder in
    RAM on each, `words` what a job asks the scheduler for to get this kind.
    """

    name: str
    cores: int
    threads_per_core: int = 1
    memory: int | None = None
    gpus: int = 0
    count: int | None = None
    scratch: str | None = None
    words: tuple[str, ...] = ()


class Launch(Record):
    """How programs are started on the nodes of a job.

    `at_once` is how many launches one job may have at a time, `per_node` how many one node may have; `pause` lies
    between two starts, in seconds.  `carrier` is how work reaches a launch; `over_limit` what is done where more are
    wanted than `at_once`.  `mpi` tells the dialect of `mpiexec`, `words` are given to the launcher each time.
    """

    at_once: int | None = None
    per_node: int | None = None
    pause: float = 0
    carrier: str = "pipe"
    over_limit: str = "wait"
    mpi: str | None = None
    words: tuple[str, ...] = ()


class Charge(Record):
    """What is charged: its unit, and the fewest nodes that a job in a queue of so many is given and charged."""

    unit: str = "node-hours"
    minimum_nodes: int = 1


class Limit(Record):
    """At most so many jobs `running`, or in the queue in any state (`queued`), or so many `node-hours` of all these."""

    what: str
    most: int
    scope: str = "user"


class Band(Record):
    """Jobs of `low` to `high` nodes, both inclusive, may ask for at most `longest` seconds."""

    low: int
    high: int
    longest: float


class Queue(Record):
    """Where jobs are put: with how many nodes, for how long, and how many at a time.

    `longest` are pairs of a number of nodes and the longest walltime from there on, ascending in nodes.  `blocks` are
    the sizes that a job is given whole, where nodes come in blocks; else empty.  `purpose` is `work`; `trial` where
    production is not wanted; `asked` if it is used only by name.  `words` choose it, None: as the scheduler does by
    its name.
    """

    name: str
    node: str | None
    nodes: tuple[int, int]
    longest: tuple[tuple[int, float], ...]
    shortest: float = 0
    blocks: tuple[int, ...] = ()
    limits: tuple[Limit, ...] = ()
    preemptable: bool = False
    purpose: str = "work"
    words: tuple[str, ...] | None = None

    def bands(self) -> tuple[Band, ...]:
        """Return the ranges of nodes, ascending, each with its longest walltime."""
        low, high = self.nodes
        starts = [max(low, nodes) for nodes, _ in self.longest]
        ends = [*(nodes - 1 for nodes, _ in self.longest[1:]), high]
        rows = zip(starts, ends, self.longest, strict=True)
        return tuple(Band(start, end, seconds) for start, end, (_, seconds) in rows if start <= end)

    def longest_for(self, nodes: int) -> float | None:
        """Return the longest walltime of a job of so many nodes, in seconds; None if it may not have so many."""
        return next((band.longest for band in self.bands() if band.low <= nodes <= band.high), None)

    def given_nodes(self, nodes: int) -> int | None:
        """Return how many nodes a job gets that asks for so many; None if the queue has no job so large."""
        if nodes > self.nodes[1]:
            return None
        if self.blocks:
            return next((size for size in self.blocks if size >= nodes), None)
        return max(nodes, self.nodes[0])


class Site(Record):
    """A machine, or this one.

    `runs` is `program` where nodes cannot start a shell.  `script_on` is where a job's script runs, and at most
    `shells_at_once` shells of tasks beside it.  `submit_from_jobs` tells whether a job may submit others.  `poll` lies
    between two looks at the queue, `latency` is how long a file may take to be seen on another node, `mtime_grain` how
    finely its time is kept, `margin` what is left unused at the end of a job: all in seconds.  `needs` are keys that
    must have a value before a job is submitted; `submit_words` go to the scheduler with each job.  `jobs` is the
    number of nodes to use at once where none is said, `budget` the most that may be spent, in node-hours.
    `files` are those that told all this, the first one first.
    """

    name: str
    scheduler: str
    launcher: str
    runs: str = "shell"
    script_on: str = "compute-node"
    shells_at_once: int | None = None
    submit_from_jobs: str = "probe"
    python: str | None = None
    poll: float | None = None
    latency: float | None = None
    mtime_grain: float | None = None
    margin: float | None = None
    needs: tuple[str, ...] = ()
    project: str | None = None
    filesystems: tuple[str, ...] = ()
    submit_words: tuple[str, ...] = ()
    setup: str = ""
    jobs: int | None = None
    budget: float | None = None
    smallest_block: int | None = None
    charge: Charge = Charge()
    nodes: tuple[NodeKind, ...] = ()
    launch: Launch = Launch()
    queues: tuple[Queue, ...] = ()
    limits: tuple[Limit, ...] = ()
    files: tuple[str, ...] = ()

    def find_kind(self, name: str) -> NodeKind | None:
        """Return a kind of nodes by its name."""
        return next((kind for kind in self.nodes if kind.name == name), None)

    def find_queue(self, name: str) -> Queue | None:
        """Return a queue by its name."""
        return next((queue for queue in self.queues if queue.name == name), None)

    def charged_nodes(self, queue: Queue, nodes: int) -> int | None:
        """Return the nodes that are charged for a job of so many; None if the queue has no job so large."""
        given = queue.given_nodes(nodes)
        if given is None or self.charge.minimum_nodes > queue.nodes[1]:
            return given
        return max(given, self.charge.minimum_nodes)
