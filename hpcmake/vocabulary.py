"""The vocabulary of the command line: its options and verbs, as tables.

Owns what there is to be said, from which reading, help and completion are made.  Knows nothing of how it is read.
"""

from __future__ import annotations

from hpcmake.record import Record


class Option(Record):
    """An option: its names, the kind of its value, and what it does.

    `kind` is `flag`, `text`, `texts` (may come again), `count`, `amount`, `duration`, `maybe duration` or `choice`.
    """

    names: tuple[str, ...]
    kind: str
    help: str
    value: str = ""
    choices: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    """The verbs that take it; empty: every one."""
    hidden: bool = False
    """Whether it is for completion scripts, and not for people."""

    @property
    def key(self) -> str:
        """Its long name, as it is asked for."""
        return self.names[-1].lstrip("-").replace("-", "_")


RUN = "run"
"""The verb that is not written."""

_PLANS = (RUN, "why", "ls", "status", "graph", "clean", "check", "log", "script")
_JOBS = (RUN, "graph", "script")
"""Verbs that pack tasks into jobs."""


OPTIONS = (
    Option(("-n", "--dry-run"), "flag", "show the plan and its reasons; change nothing", verbs=(RUN, "clean")),
    Option(
        ("-j", "--jobs"), "count", "how many cores to use at once; on a site nodes (default: all)", "N", verbs=_JOBS
    ),
    Option(("--site",), "text", "a site, by its name or by the path of its file (see `sites`)", "NAME", verbs=_PLANS),
    Option(("--here",), "flag", "run on the nodes of the job that we are in", verbs=(RUN,)),
    Option(("--submit",), "flag", "run as jobs in the queues of the site", verbs=(RUN,)),
    Option(("--detach",), "flag", "submit what can be submitted, say the ids, return", verbs=(RUN,)),
    Option(("--job-nodes",), "count", "give every job so many nodes", "N", verbs=_JOBS),
    Option(("--job-time",), "duration", "give no job more time than this", "T", verbs=_JOBS),
    Option(("--max-queued",), "count", "keep at most so many jobs in the queue", "N", verbs=_JOBS),
    Option(("-A", "--project"), "text", "whom to charge", "PROJECT", verbs=_JOBS),
    Option(("--queue",), "text", "put all jobs into this queue", "QUEUE", verbs=_JOBS),
    Option(("--budget",), "amount", "submit nothing that could pass so many node-hours", "NODE-HOURS", verbs=_JOBS),
    Option(("--trial",), "flag", "one task of each rule, in the smallest job", verbs=_JOBS),
    Option(("-k", "--keep-going"), "flag", "go on with what does not depend on a failure", verbs=(RUN,)),
    Option(("-B", "--always-make"), "flag", "as if every task were stale", verbs=_PLANS),
    Option(("-R", "--rerun"), "texts", "as if the tasks of this rule were stale", "RULE", verbs=_PLANS),
    Option(("-W", "--new-file"), "texts", "as if this file had just changed", "FILE", verbs=_PLANS),
    Option(("-o", "--old-file"), "texts", "as if this file had not changed, nor what makes it", "FILE", verbs=_PLANS),
    Option(("-q", "--question"), "flag", "say nothing; exit 0 if all is up to date, else 1", verbs=(RUN,)),
    Option(("-t", "--touch"), "flag", "record what is on the disk as up to date, without running", verbs=(RUN,)),
    Option(("--until",), "texts", "stop at this target or file", "TARGET", verbs=_PLANS),
    Option(("--omit",), "texts", "leave out this rule, and what needs it", "RULE", verbs=_PLANS),
    Option(("-f", "--file"), "text", "read this instead of `Wfile`", "FILE"),
    Option(("-C", "--directory"), "texts", "work in this folder", "DIR"),
    Option(("-D", "--define"), "texts", "set a param", "NAME=VALUE"),
    Option(
        ("--check",),
        "choice",
        "what counts as a changed file",
        "mtime|content",
        choices=("mtime", "content"),
        verbs=_PLANS,
    ),
    Option(("--check",), "flag", "try it on the machine itself", verbs=("sites",)),
    Option(("--retries",), "count", "tries after a failure, for rules that do not say", "N", verbs=_JOBS),
    Option(("--latency",), "duration", "how long an output may take to appear", "T", verbs=(RUN,)),
    Option(("--keep-temp",), "flag", "keep `temp` files", verbs=(RUN,)),
    Option(
        ("--wait",),
        "maybe duration",
        "wait for another hpcmake in this campaign to end (at most T)",
        "[T]",
        verbs=(RUN, "clean"),
    ),
    Option(("--json",), "flag", "JSON lines instead of prose"),
    Option(("-v", "--verbose"), "flag", "show commands and single tasks too"),
    Option(("--quiet",), "flag", "say errors only"),
    Option(("--trace",), "text", "write a Chrome trace of what ran where", "FILE", verbs=(RUN,)),
    Option(("--where",), "text", "which tasks: 'state = failed and rule = dock'", "EXPR", verbs=("ls",)),
    Option(("--rules",), "flag", "the rules", verbs=("graph",)),
    Option(("--tasks",), "flag", "the tasks (folded by rule when there are many)", verbs=("graph",)),
    Option(("--files",), "flag", "the files and what makes them", verbs=("graph",)),
    Option(("--batches",), "flag", "who runs where and when, on a site", verbs=("graph",)),
    Option(
        ("--format",),
        "choice",
        "its form (default: dot; of --batches svg)",
        "dot|mermaid|svg|json",
        choices=("dot", "mermaid", "svg", "json"),
        verbs=("graph",),
    ),
    Option(("--temp",), "flag", "`temp` files", verbs=("clean",)),
    Option(("--stale",), "flag", "what tasks made that no rule makes any more", verbs=("clean",)),
    Option(("--all",), "flag", "all that rules have made", verbs=("clean",)),
    Option(("--nodes",), "count", "run the command in a job of so many emulated nodes", "N", verbs=("testbed",)),
    Option(("--time",), "duration", "run it in a job that has so long (default: 30m)", "T", verbs=("testbed",)),
    Option(("--speed",), "count", "let the scheduler be so many times as fast", "N", verbs=("testbed",)),
    Option(("--hurry",), "count", "let walltimes last only one Nth", "N", verbs=("testbed",)),
    Option(("--wait-for-jobs",), "flag", "end only when no job is left that can run", verbs=("testbed",)),
    Option(
        ("--fault",), "texts", "let something go wrong (`hpcmake testbed SITE` lists what)", "F", verbs=("testbed",)
    ),
    Option(("--complete-targets",), "flag", "", hidden=True),
    Option(("--version",), "flag", "say which hpcmake this is"),
    Option(("-h", "--help"), "flag", "say what can be said"),
)

VERBS = {
    "why": "why a file is (not) up to date, and why it is not running yet",
    "ls": "the tasks: state, tries, time, memory, log",
    "status": "the campaign at a glance",
    "log": "the output of a task's last attempt",
    "graph": "the graph, as dot, mermaid, svg or json",
    "script": "write the jobs of a site as plain job scripts",
    "stop": "end what runs, and take queued jobs back",
    "clean": "remove what rules made",
    "fmt": "put the Wfile into its canonical form",
    "check": "all diagnostics, without planning",
    "sites": "the sites; one with all its numbers",
    "testbed": "run a command on an emulated site",
    "completion": "the completion script for bash, zsh or fish",
}
"""Every verb of one machine, with what it does."""

LATER: dict[str, str] = {}
"""Verbs of campaigns on sites, which this version does not have."""

LATER_FOR_VERBS: dict[tuple[str, str], str] = {}
"""Options of a verb, with what they would do there; with other verbs they mean something else."""
