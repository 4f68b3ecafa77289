"""What a site cannot run, as mistakes of the Wfile or of the command line, each with both numbers.

Owns the words of these mistakes.  Knows nothing of how jobs are packed.
"""

from __future__ import annotations

from hpcmake.diagnostics import Diagnostic, Trouble, did_you_mean
from hpcmake.text import Source, Span
from hpcmake.units import render_duration, render_size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.options import Arguments
    from hpcmake.planner.gathering import Gathered
    from hpcmake.planner.pack import Packing
    from hpcmake.planner.queues import Wishes
    from hpcmake.planner.refuse import Refused
    from hpcmake.planner.rules import Rule
    from hpcmake.site import Queue, Site

_BANDS = 6


def require_queues(site: Site) -> None:
    """Check that a site says enough of its queues to plan jobs.  Raises Trouble."""
    for key, has in (("queue", site.queues), ("node", site.nodes)):
        if not has:
            message = f"the site {site.name} does not say `{key}`, which is needed to plan jobs"
            where = f"~/.config/hpcmake/sites/{site.name}.toml or sites/{site.name}.toml"
            help_ = f"describe your machine in {where}; the documentation of sites shows how"
            raise Trouble(Diagnostic("E911", message, help=help_))


def check_wishes(site: Site, wishes: Wishes) -> None:
    """Check what the command line says of jobs against what the site has.  Raises Trouble with all mistakes."""
    found: list[Diagnostic] = []
    queues = list(site.queues)
    if wishes.queue is not None:
        queues = [queue for queue in queues if queue.name == wishes.queue]
        if not queues:
            names = [queue.name for queue in site.queues]
            help_ = did_you_mean(wishes.queue, names) or f"it has {', '.join(names)}"
            found.append(_said(f"--queue {wishes.queue}", f"{site.name} has no queue `{wishes.queue}`", help_))
    largest = max((queue.nodes[1] for queue in queues), default=0)
    counts = [kind.count for kind in site.nodes if kind.count is not None]
    most = max(counts) if len(counts) == len(site.nodes) else largest
    if wishes.nodes is not None and queues and wishes.nodes > most:
        has = f"{site.name} has {most}" if counts else f"the largest job of {site.name} has {most}"
        found.append(
            _said(f"-j {wishes.nodes}", f"`-j {wishes.nodes}` is more nodes than there are: {has}", "ask for fewer")
        )
    if wishes.job_nodes is not None and queues and wishes.job_nodes > largest:
        where = f"of {wishes.queue}" if wishes.queue is not None else f"of {site.name}"
        message = (
            f"a job of {wishes.job_nodes} nodes is more than any queue takes: the largest job {where} has {largest}"
        )
        found.append(_said(f"--job-nodes {wishes.job_nodes}", message, "ask for fewer"))
    shortest = min((queue.shortest for queue in queues), default=0.0)
    if wishes.job_time is not None and wishes.job_time < shortest:
        asked, least = render_duration(wishes.job_time), render_duration(shortest)
        message = f"a job of {asked} is shorter than any queue takes: the shortest job of {site.name} has {least}"
        found.append(_said(f"--job-time {asked}", message, "ask for more"))
    longest = max((band.longest for queue in queues for band in queue.bands()), default=0.0)
    if wishes.job_time is not None and queues and wishes.job_time > longest:
        asked = render_duration(wishes.job_time)
        message = f"a job of {asked} is longer than any queue takes: {_bands(queues)}"
        found.append(_said(f"--job-time {asked}", message, "ask for less"))
    if found:
        raise Trouble(*found)


def _bands(queues: Sequence[Queue]) -> str:
    """Return how long jobs of so many nodes may be, by queue."""
    told = []
    for queue in queues:
        bands = [f"{render_duration(band.longest)} from {band.low} nodes" for band in queue.bands()]
        told.append(f"{queue.name} gives {', '.join(bands)}")
    return "; ".join(told)


_PROJECTS = {"cobalt": ("COBALT_PROJ",), "slurm": ("SBATCH_ACCOUNT", "SLURM_ACCOUNT"), "pbs": ()}
"""Variables by which a scheduler is told the project as well."""


def find_project(site: Site, environ: Mapping[str, str]) -> str | None:
    """Return the project that is charged: of the site, else of the variable by which its scheduler is told."""
    told = (environ.get(name) for name in _PROJECTS.get(site.scheduler, ()))
    return site.project or next(filter(None, told), None)


def check_needs(site: Site, environ: Mapping[str, str]) -> None:
    """Check that what each job of a site must name is known, before any is submitted.  Raises Trouble."""
    found: list[Diagnostic] = []
    where = f"~/.config/hpcmake/sites/{site.name}.toml"
    if "project" in site.needs and find_project(site, environ) is None:
        message = f"{site.name} wants to know the project that is charged, and none is named"
        help_ = f'name it, `-A PROJECT`, or write `project = "…"` into {where}'
        found.append(Diagnostic("E819", message, help=help_))
    if "filesystems" in site.needs and not site.filesystems:
        message = f"{site.name} wants to know the file systems that a job uses, and none is named"
        found.append(Diagnostic("E819", message, help=f'write `filesystems = ["…"]` into {where}'))
    if found:
        raise Trouble(*found)


def _said(said: str, message: str, help_: str) -> Diagnostic:
    return Diagnostic("E816", message, Span(Source("the command line", said), 0, len(said)), help=help_)


def wrong_site(rule: Rule, names: Sequence[str], site: Site) -> Diagnostic:
    """Return the mistake of a rule that may run elsewhere only."""
    message = f"rule `{rule.name}` may run on {', '.join(names)} only, and not on {site.name}"
    help_ = f"add `{site.name}` to its `site`, or leave the rule out: `--omit {rule.name}`"
    return Diagnostic("E506", message, rule.site.span if rule.site is not None else rule.span, help=help_)


def _no_queue(which: str, name: str, site: Site, rule: Rule, arguments: Arguments) -> Diagnostic:
    names = [queue.name for queue in site.queues]
    asked = arguments.text("queue")
    message = f"{which} asks for the queue `{name}`, which {site.name} does not have"
    help_ = did_you_mean(name, names) or f"it has {', '.join(names)}"
    if name in names and asked is not None:
        message = f"{which} asks for the queue `{name}`, and `--queue {asked}` for another"
        help_ = "leave `--queue` out: it puts all jobs into one queue"
    return Diagnostic("E509", message, rule.queue.span if rule.queue is not None else rule.span, help=help_)


def refusals(
    packing: Packing, gathered: Gathered, arguments: Arguments, site: Site, queues: Sequence[Queue]
) -> list[Diagnostic]:
    """Return the mistakes of tasks that a site cannot run: one of each rule and kind, with the first such task."""
    found: dict[tuple[str, str], tuple[Refused, int]] = {}
    for refused in packing.refused:
        first, count = found.get((refused.rule, refused.what), (refused, 0))
        found[refused.rule, refused.what] = (first, count + refused.count)
    mistakes = []
    for refused, count in found.values():
        table, row = gathered.task(packing.classes[refused.kind].members[0])
        which = table.name(row) + (f", attempt {refused.attempt}," if refused.attempt > 1 else "")
        if refused.what == "queue":
            name = packing.classes[refused.kind].queue or ""
            mistakes.append(_no_queue(which, name, site, table.rule, arguments))
            continue
        code, message, help_ = _words(refused, which, arguments, queues)
        more = f"{count - 1} more task{'s' if count > 2 else ''}"  # noqa: PLR2004
        label = f"and so {'do' if count > 2 else 'does'} {more} of `{refused.rule}`" if count > 1 else ""  # noqa: PLR2004
        mistakes.append(Diagnostic(code, message, _span(table.rule, refused.what), label, help=help_))
    return mistakes


def _words(refused: Refused, which: str, arguments: Arguments, queues: Sequence[Queue]) -> tuple[str, str, str]:
    """Return code, message and help."""
    site, what = refused.site, refused.what
    less = f"ask for less, or run it on another site; `hpcmake sites {site}` has the numbers"
    if what == "fork":
        message = f"{which} shares a node, and the nodes of {site} start one program only, and no shell"
        return "E508", message, f"give `{refused.rule}` `nodes` or `ranks`, or run it elsewhere: `site: local`"
    if what == "memory":
        sizes = render_size(refused.wanted), render_size(refused.most)
        return "E503", f"{which} wants {sizes[0]} of memory, and the largest node of {site} has {sizes[1]}", less
    if what in {"cores", "gpus"}:
        message = f"{which} wants {refused.wanted:g} {what}, and the largest node of {site} has {refused.most:g}"
        return "E503", message, less
    if what == "nodes":
        return "E503", *_wide(refused, which, arguments, queues, less)
    where = f" on {refused.nodes} nodes" if refused.nodes else ""
    takes = f"{which} takes {render_duration(refused.wanted)}{where}"
    longest = max((band.longest for queue in queues for band in queue.bands()), default=0.0)
    most = arguments.number("job_time")
    if most is not None and most < longest:
        message = f"{takes}, and `--job-time {render_duration(most)}` gives no job so much beside its margin"
        return "E507", message, "leave `--job-time` out, or say more"
    lines = ["give it a shorter `time`, or more nodes; queues give", *_band_lines(queues)]
    return "E507", f"{takes}, and no queue of {site} gives that", "\n".join(lines)


def _wide(refused: Refused, which: str, arguments: Arguments, queues: Sequence[Queue], less: str) -> tuple[str, str]:
    """Return message and help for a task that takes too many nodes; the command line may be what allows so few."""
    largest = max((queue.nodes[1] for queue in queues), default=0)
    for key, option in (("job_nodes", "--job-nodes"), ("jobs", "-j")):
        said = arguments.number(key)
        if said is not None and refused.most < largest and said <= refused.most:
            message = f"{which} wants {refused.wanted:g} nodes, and `{option} {said:g}` allows {refused.most:g}"
            return message, f"leave `{option}` out, or say `{option} {refused.wanted:g}`"
    return f"{which} wants {refused.wanted:g} nodes, and the largest job of {refused.site} has {refused.most:g}", less


def _band_lines(queues: Sequence[Queue]) -> list[str]:
    lines = []
    for queue in queues:
        bands = [f"{band.low}-{band.high} nodes {render_duration(band.longest)}" for band in queue.bands()]
        lines.append(f"  {queue.name}: {', '.join(bands[:_BANDS])}" + (", …" if len(bands) > _BANDS else ""))
    return lines


def _span(rule: Rule, what: str) -> Span:
    names = {"nodes": ("nodes", "ranks", "ranks_per_node"), "fork": ("cores", "memory", "gpus")}.get(what, (what,))
    return next((rule.resources[name].span for name in names if name in rule.resources), rule.span)
