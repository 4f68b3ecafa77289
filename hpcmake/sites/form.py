"""What a site file may say: from entries to a Site, with every mistake and every contradiction told.

Owns the keys of a site, of its nodes, its launcher and its charge.  Knows nothing of where files lie.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic
from hpcmake.site import (
    CARRIERS,
    LAUNCHERS,
    MPIS,
    NEEDS,
    OVER_LIMIT,
    PLACES,
    RUNS,
    SCHEDULERS,
    SUBMITS,
    UNITS,
    Charge,
    Launch,
    NodeKind,
    Site,
)
from hpcmake.sites.queues import read_limits, read_queues
from hpcmake.sites.reading import Table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.sites.places import Entry


def build_site(name: str, entry: Entry, files: tuple[str, ...]) -> tuple[Site, list[Diagnostic]]:
    """Return the site that entries describe, and all mistakes in them; the site is to be used if there are none."""
    mistakes: list[Diagnostic] = []
    table = Table(entry, "", mistakes)
    _check_name(table, name)
    kinds = _read_kinds(table)
    site = Site(
        name=name,
        scheduler=_required_choice(table, "scheduler", SCHEDULERS),
        launcher=_required_choice(table, "launcher", LAUNCHERS),
        runs=table.choice("runs", RUNS, None) or "shell",
        script_on=table.choice("script_on", PLACES, None) or "compute-node",
        shells_at_once=table.whole("shells_at_once", least=1, example=64),
        submit_from_jobs=table.choice("submit_from_jobs", SUBMITS, None) or "probe",
        python=table.text("python", example="/usr/bin/python3"),
        poll=table.duration("poll", example="60s"),
        latency=table.duration("latency", example="10s"),
        mtime_grain=table.duration("mtime_grain", example="1s"),
        margin=table.duration("margin", example="5m"),
        needs=_read_needs(table),
        project=table.text("project", example="MyProject"),
        filesystems=table.words("filesystems") or (),
        submit_words=table.words("submit_words") or (),
        setup=table.text("setup", example="module load python") or "",
        jobs=table.whole("jobs", least=1, example=128),
        budget=table.real("budget", example=10000),
        smallest_block=table.whole("smallest_block", least=1, example=512),
        charge=_read_charge(table),
        nodes=kinds,
        launch=_read_launch(table),
        queues=read_queues(table, kinds),
        limits=read_limits(table),
        files=files,
    )
    table.close()
    return site, mistakes


def _check_name(table: Table, name: str) -> None:
    """Hold the name in the file against the one that the file has."""
    said = table.text("name", example=name)
    entry = table.entry.value.get("name")
    if said is not None and entry is not None and said != name:
        message = f"the site of the file {name}.toml calls itself `{said}`"
        help_ = f'write `name = "{name}"`, or rename the file to {said}.toml: a site is found by the name of its file'
        table.tell_contradiction(message, entry, None, "", help_)


def _required_choice(table: Table, key: str, choices: tuple[str, ...]) -> str:
    if key not in table.entry.value:
        listed = ", ".join(choices)
        table.tell_missing(key, f'write for example `{key} = "{choices[0]}"`; it is one of {listed}')
    return table.choice(key, choices, None) or choices[-1]


def _read_needs(table: Table) -> tuple[str, ...]:
    entry = table.find("needs")
    if entry is None:
        return ()
    if not isinstance(entry.value, list):
        table.wrong_kind("needs", entry, "a list of keys", 'needs = ["project"]')
        return ()
    read = (table.word("needs", each, NEEDS, None) for each in entry.value)
    return tuple(each for each in read if each is not None)


def _read_kinds(table: Table) -> tuple[NodeKind, ...]:
    entry = table.table("node")
    kinds = []
    for name, each in entry.value.items() if entry is not None else ():
        if not isinstance(each.value, dict):
            table.wrong_kind(f"node.{name}", each, "a table", "[node.knl]")
            continue
        part = Table(each, f"node `{name}`", table.mistakes)
        if "cores" not in each.value:
            part.tell_missing("cores", "write for example `cores = 64`: those that tasks may use")
        kinds.append(
            NodeKind(
                name,
                cores=part.whole("cores", least=1, example=64) or 1,
                threads_per_core=part.whole("threads_per_core", least=1, example=2) or 1,
                memory=part.size("memory", example="192GB"),
                gpus=part.whole("gpus", least=0, example=4) or 0,
                count=part.whole("count", least=1, example=560),
                scratch=part.text("scratch", example="/dev/shm"),  # noqa: S108  # an example of RAM on a node
                words=part.words("words") or (),
            )
        )
        part.close()
    return tuple(kinds)


def _read_launch(table: Table) -> Launch:
    entry = table.table("launch")
    if entry is None:
        return Launch()
    part = Table(entry, "launch", table.mistakes)
    launch = Launch(
        at_once=part.whole("at_once", least=1, example=1000),
        per_node=part.whole("per_node", least=1, example=1),
        pause=part.duration("pause", example="0.1s") or 0,
        carrier=part.choice("carrier", CARRIERS, None) or "pipe",
        over_limit=part.choice("over_limit", OVER_LIMIT, None) or "wait",
        mpi=part.choice("mpi", MPIS, None),
        words=part.words("words") or (),
    )
    part.close()
    return launch


def _read_charge(table: Table) -> Charge:
    entry = table.table("charge")
    if entry is None:
        return Charge()
    part = Table(entry, "charge", table.mistakes)
    unit = part.choice("unit", UNITS, None) or "node-hours"
    charge = Charge(unit, part.whole("minimum_nodes", least=1, example=128) or 1)
    part.close()
    return charge
