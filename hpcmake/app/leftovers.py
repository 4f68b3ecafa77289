"""What a run that was killed may have left running on the nodes of its job, and when it is sure to have ended.

Owns the wait for that, and the end of what can be ended.  Knows nothing of what was running.
"""

from __future__ import annotations

from hpcmake.runners.faults import SILENT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from hpcmake.lease import Lease
    from hpcmake.report import Voice
    from hpcmake.runners.held import Held, Run

_PATIENCE = 30.0  # seconds that a scheduler is given to answer
_STEPS_END = 60.0  # seconds that steps are given to end
_LOOK_EVERY = 1.0


def await_leftovers(
    lease: Lease,
    held: Held | None,
    mark: str,
    voice: Voice,
    run: Run,
) -> None:
    """Wait until nothing of a killed run can be at work on nodes any more.

    Its node programs end by themselves when they have heard no beat for a while; the scheduler may know that its job is
    over; and in the same Slurm job, its steps can be ended.  Raises Trouble if the lease is lost meanwhile.
    """
    former = lease.former
    if not lease.unclean or former is None or former.job is None:
        return
    if held is not None and former.job != held.job and _is_gone(held.scheduler, former.job, run):
        return
    if held is not None and former.job == held.job and held.scheduler == "slurm" and _end_steps(held, mark, lease, run):
        return
    rest = SILENT - lease.silent
    if rest <= 0:
        return
    text = (
        f"the run before, in job {former.job}, was killed: what it may have left on nodes ends by itself, "
        f"which takes {rest:.0f} s more"
    )
    voice.tell({"kind": "note", "text": text})
    voice.tick()
    while rest > 0:
        lease.pause(min(rest, _LOOK_EVERY))
        voice.tick()
        rest -= _LOOK_EVERY


def _is_gone(scheduler: str, job: str, run: Run) -> bool:
    from hpcmake.runners.schedulers.jobs import DoNotKnow
    from hpcmake.runners.schedulers.scheduler import find_scheduler

    asked = find_scheduler(scheduler)
    if asked is None or not job[:1].isdigit():
        return False
    try:
        status, out, err = run(asked.render_poll_job(job), _PATIENCE)
    except OSError:
        return False
    told = asked.parse_poll_job(status, out.decode(errors="replace"), err.decode(errors="replace"))
    return told is None or (not isinstance(told, DoNotKnow) and not told.in_queue)


def _end_steps(
    held: Held,
    mark: str,
    lease: Lease,
    run: Run,
) -> bool:
    """End the steps of this campaign in our Slurm job; return whether they have ended."""
    rest = _STEPS_END
    while rest > 0:
        try:
            status, out, _ = run(("squeue", "-h", "-s", "-j", held.job, "-o", "%i %j"), _PATIENCE)
            if status != 0:
                return False
            words = [line.split() for line in out.decode(errors="replace").splitlines()]
            steps = [line[0] for line in words if line[1:] == [mark]]
            if not steps:
                return True
            run(("scancel", "--signal=KILL", *steps), _PATIENCE)
        except OSError:
            return False
        lease.pause(_LOOK_EVERY)
        rest -= _LOOK_EVERY
    return False
