"""The rules of Cobalt: what holds a job, when it starts, when it leaves the queue, and what its log tells.

Owns Cobalt's dialect of a queue.  Knows nothing of how its commands are written, which others of its modules do.

From Cobalt 1.0.33, as it was seen to behave: a parent that ends with 0 is credited to children that are in `dep_hold`
at that moment, and to no others; whether a dependency can be satisfied at all is looked at each minute; the end of a
script is noticed in a cycle, and told in the log when the job has already left the queue.
"""

from __future__ import annotations

from hpcmake.testbed.commands.node_ids import render_hostlist
from hpcmake.testbed.machine import block_offset, cobalt_variables, locate, queue_name
from hpcmake.testbed.queue.cobalt_change import alter, delete, hold, move, release, select
from hpcmake.testbed.queue.cobalt_jobs import CobaltJob, queues_of, render_date
from hpcmake.testbed.queue.cobalt_log import render_launch
from hpcmake.testbed.queue.cobalt_show import show
from hpcmake.testbed.queue.cobalt_submit import submit
from hpcmake.testbed.queue.cobalt_words import DOWN, NOISE, QUEUES, Refused, fault
from hpcmake.testbed.queue.dialect import Dialect
from hpcmake.testbed.queue.nouns import ENDED, RUNNING, STARTING, WAITING, Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hpcmake.site import Site
    from hpcmake.testbed.machine import Machine
    from hpcmake.testbed.queue.core import Queue
    from hpcmake.testbed.queue.nouns import Job, Request

COMMANDS = {
    "qsub": submit,
    "qstat": show,
    "qdel": delete,
    "qhold": hold,
    "qrls": release,
    "qalter": alter,
    "qmove": move,
    "qselect": select,
}

ASKS = {"qstat": "get_queues", "qselect": "get_jobs", "qdel": "del_jobs"}
"""What commands ask the queue manager for; the others set something."""

LATE = 2.0
"""Seconds between the moment when a job has left the queue, and its line in the log, at least."""

PACE = 0.25
"""Seconds between two lines of logs: Cobalt writes one after the other, for all jobs."""


class Cobalt(Dialect):
    """Cobalt, on a machine of so many nodes."""

    names = tuple(COMMANDS)
    grace = 300.0
    prologue = 5.0
    cycle = 10.0
    """Seconds between two looks at what goes on, and between two rounds of scheduling."""
    look = 60.0
    """Seconds between two looks at dependencies that cannot be satisfied."""

    def __init__(self, site: Site, count: int) -> None:
        super().__init__(site, count)
        self.queues = queues_of(site)
        self.size = max(count, 4096)
        """The size in cobalt.conf: no more nodes can be asked for."""
        self._next_line = 0.0

    def begin(self, queue: Queue) -> None:
        """Plan the cycles: progress, and between them scheduling."""
        queue.every(self.cycle, lambda: self._progress(queue))
        queue.after(self.cycle / 2, lambda: self._round(queue))
        queue.every(self.look, lambda: self.look_at_dependencies(queue))

    def _round(self, queue: Queue) -> None:
        queue.schedule()
        queue.after(self.cycle, lambda: self._round(queue))

    def answer(self, queue: Queue, request: Request) -> Answer:
        """Answer a command."""
        try:
            answer: Answer = COMMANDS[request.name](self, queue, request)
        except Refused as refused:
            answer = refused.answer
        self.mark_limits(queue)
        return answer

    # ------------------------------------------------------------ what holds a job

    def mark_limits(self, queue: Queue) -> None:
        """Say of each job whether only the limit of its user's running jobs holds it."""
        for job in cobalt_jobs(queue):
            most = self.queues[job.queue].running
            there = sum(other.is_active for other in queue.of_user(job.user, job.queue) if isinstance(other, CobaltJob))
            job.maxrun_hold = most is not None and not job.is_active and there >= most

    def order(self, queue: Queue) -> Sequence[Job]:
        """Return the jobs that nothing holds, in the order of their submission."""
        left: dict[tuple[str, str], int] = {}
        found = []
        for job in cobalt_jobs(queue):
            where = self.queues[job.queue]
            if job.phase != WAITING or job.user_hold or not job.dep_done or where.state not in {"running", "draining"}:
                continue
            if where.running is not None:
                key = (job.user, job.queue)
                if key not in left:
                    mates = queue.of_user(*key)
                    left[key] = where.running - sum(bool(mate.hosts) for mate in mates)
                left[key] -= 1
                if left[key] < 0:
                    continue
            found.append(job)
        return found

    def choose_hosts(self, free: Sequence[str], count: int) -> Sequence[str] | None:
        """Return the first nodes that are free; where they come in blocks, those of one that begins where it can."""
        if self.site.launcher != "runjob":
            return free[:count]
        numbers = {block_offset(name): name for name in free}
        step = self.site.smallest_block or 1
        for start in range(0, max(numbers) + 1, step):
            block = [numbers[at] for at in range(start, start + count) if at in numbers]
            if len(block) == count:
                return block
        return None

    def look_at_dependencies(self, queue: Queue) -> None:
        """Find dependencies on what is no job of the queue (any more): they will never be satisfied."""
        listed = {str(number) for number in queue.jobs}
        for job in cobalt_jobs(queue):
            if not job.dep_done and any(each not in job.satisfied and each not in listed for each in job.dependencies):
                job.dep_fail = True

    def set_dependencies(self, job: CobaltJob, names: Sequence[str]) -> None:
        """Give a job other dependencies."""
        job.dependencies = tuple(names)
        job.satisfied.clear()
        job.dep_fail = False
        job.dep_done = not names

    def _progress(self, queue: Queue) -> None:
        """Notice what has happened since the last cycle."""
        for job in cobalt_jobs(queue):
            if job.status is not None and job.hosts:
                self._finish(queue, job)
            elif job.phase == ENDED and job.deleted:
                self.log(queue, job, "pending user delete; releasing resources")
                self.log(queue, job, "resources released; starting job epilogue scripts")
                queue.remove(job)
            elif not job.dep_done and job.satisfied.issuperset(job.dependencies):
                job.dep_done = True
                self.log(queue, job, "dep hold released")
                if not job.user_hold:
                    self.log(queue, job, "no holds remain; releasing job")
        self.mark_limits(queue)

    # ------------------------------------------------------------ the life of a job

    def starting(self, queue: Queue, job: Job) -> None:
        """Give a job without a walltime the longest one; put its id into its environment."""
        if not job.walltime:
            job.walltime = self.queues[job.queue].longest or 86400.0
        if isinstance(job, CobaltJob):
            job.variables["COBALT_JOBID"] = str(job.number)
        self.mark_limits(queue)

    def running(self, queue: Queue, job: Job) -> None:
        """Write what the launcher of a job writes: what it starts, with what environment and which files."""
        if not isinstance(job, CobaltJob):
            return
        job.output, job.error = job.stdout, job.stderr
        times = (queue.real(job.started or 0.0), queue.real(job.end or 0.0))
        lines = render_launch(job, locate(self.site, job.hosts), times)
        queue.write(job.log, "".join(f"{render_date(queue.now)} {line}\n" for line in lines))

    def overdue(self, queue: Queue, job: Job) -> None:
        """Tell that the time of a job is over."""
        self.log(queue, job, "maximum execution time exceeded; initiating job termination")

    def ended(self, queue: Queue, job: Job) -> None:
        """Leave it to the next cycle to notice the end of a script."""

    def _finish(self, queue: Queue, job: CobaltJob) -> None:
        """Let a job leave the queue whose script has ended, and credit it to its children if it ended with 0."""
        status = job.status or 0
        code = 128 - status if status < 0 else status
        if not (job.over or job.deleted):
            text = f"task completed normally with an exit code of {code}; initiating job cleanup and removal"
            self.log(queue, job, text, after=LATE)
        queue.remove(job)
        if code == 0 and not job.deleted:
            for child in cobalt_jobs(queue):
                if child.state == "dep_hold" and str(job.number) in child.dependencies:
                    child.satisfied.add(str(job.number))

    def end(self, queue: Queue, job: CobaltJob, user: str) -> None:
        """Delete a job for a user: at once if it waits, after its script's end or in a cycle if it has nodes."""
        told = f"user delete requested with signal SIGTERM by user {user}"
        if job.phase == WAITING:
            self.log(queue, job, "user delete requested; removing job from the queue")
            queue.remove(job)
        elif not job.deleted:
            job.deleted = user
            if job.phase == RUNNING:
                queue.terminate(job)
            elif job.phase == STARTING:
                job.phase = ENDED  # its script is never started, and the next cycle frees its nodes
                told += " now pending"
            self.log(queue, job, told)

    def delete(self, queue: Queue, job: Job) -> None:
        """Delete a job as an operator."""
        if isinstance(job, CobaltJob):
            self.end(queue, job, "root")

    def lose(self, queue: Queue, job: Job) -> None:
        """Forget a job."""
        queue.remove(job)

    def can_start(self, queue: Queue, job: Job) -> bool:
        """Tell whether a job may start some day: not if it is held by somebody, or by what can never be."""
        if not isinstance(job, CobaltJob) or job.user_hold or job.dep_fail or job.is_stuck:
            return False
        parents = [queue.jobs.get(int(each)) if each.isdigit() else None for each in job.dependencies]
        for name, parent in zip(job.dependencies, parents, strict=True):
            if name not in job.satisfied and (
                parent is None or not (parent.hosts or (parent is not job and self.can_start(queue, parent)))
            ):
                return False
        return self.queues[job.queue].state in {"running", "draining"} and job.count <= len(queue.hosts)

    # ------------------------------------------------------------ the log

    def log(self, queue: Queue, job: Job, text: str, *, after: float = 0.5) -> None:
        """Write a line to the log of a job when its turn comes: some time later, and bearing that later time."""
        assert isinstance(job, CobaltJob)  # noqa: S101  # this dialect makes no others
        when = max(queue.now + queue.lasting(after), self._next_line)
        self._next_line = when + queue.lasting(PACE)
        path = job.log
        queue.at(when, lambda: queue.write(path, f"{render_date(queue.now)} Info: {text}\n"))

    # ------------------------------------------------------------ what a job sees

    def variables(self, job: Job, machine: Machine, *, nodefile: str) -> Mapping[str, str]:
        """Return what Cobalt sets, and what was given with --env."""
        given = job.variables if isinstance(job, CobaltJob) else {}
        size = {"COBALT_JOBSIZE": str(job.procs)} if isinstance(job, CobaltJob) and job.procs else {}
        if machine.site.launcher == "aprun":
            size = {}
        return {**given, **cobalt_variables(machine, nodefile), **size}

    def location(self, job: Job) -> str:
        """Return where a job is, as qstat tells it."""
        if not job.hosts:
            return "None"
        by_host = self.site.launcher not in {"aprun", "runjob"}
        return render_hostlist(job.hosts) if by_host else locate(self.site, job.hosts)

    def make_held(self, queue: Queue, machine: Machine, argv: Sequence[str], *, user: str, cwd: str) -> CobaltJob:
        """Return the job around the testbed's own command."""
        job = CobaltJob(
            queue.take_number(),
            user=user,
            queue=next(name for name in (queue_name(machine), *self.queues) if name in self.queues),
            count=len(machine.nodes),
            walltime=float(machine.end - machine.start),
            argv=argv,
            cwd=cwd,
            submitted=queue.now,
        )
        job.name = "N/A"
        job.is_held_here = True
        job.dep_done = True
        job.procs = job.asked = job.count
        job.project = machine.site.project or "testbed"
        job.log = "/dev/null"
        return job

    # ------------------------------------------------------------ when something is wrong

    def down(self, request: Request) -> Answer:
        """Return what a command prints while the queue manager is not there."""
        where = "" if request.name == "qsub" else f"queue-manager.{ASKS.get(request.name, 'set_jobs')}"
        told = f"<Fault 20: '{DOWN}'>"
        return Answer(
            "", NOISE + (f"component error: XMLRPC failure {told} in {where}\n\n" if where else told + "\n"), 1
        )

    def refusal(self, request: Request) -> Answer:
        """Return what qsub prints where the user has too many jobs."""
        words = list(request.argv)
        name = words[words.index("-q") + 1] if "-q" in words[:-1] else "default"
        most = self.queues[name].queued if name in self.queues else None
        text = f"The limit of {most or 20} jobs per user in the '{name}' queue has been reached\n"
        return fault(QUEUES, text).answer


def cobalt_jobs(queue: Queue) -> list[CobaltJob]:
    """Return the jobs that are listed."""
    return [job for job in queue.jobs.values() if isinstance(job, CobaltJob)]
