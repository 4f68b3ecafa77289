"""Answers of real schedulers, and what holds for each scheduler."""

from hpcmake.runners.schedulers.jobs import Changed, DoNotKnow, JobState, Refused, Submission, Submitted
from hpcmake.runners.schedulers.scheduler import Scheduler, find_scheduler

JOB = Submission("/c/job.sh", "hm0a1b2-0001-x7", 2, 5430.0, "/c/out")


def scheduler(name: str) -> Scheduler:
    found = find_scheduler(name)
    assert found is not None
    return found


def polled(name: str, out: str, *, status: int = 0, err: str = "") -> dict[str, JobState]:
    """Return the jobs of an answer that must be understood."""
    jobs = scheduler(name).parse_poll(status, out, err)
    assert not isinstance(jobs, DoNotKnow), jobs.text
    return jobs


def refused(name: str, status: int | None, err: str, out: str = "") -> tuple[str, str, bool]:
    answer = scheduler(name).parse_submitted(status, out, err)
    assert isinstance(answer, Refused)
    return answer.kind, answer.text, answer.may_be_queued


def is_answer(value: object) -> bool:
    """Whether it is what a reader of answers may return."""
    if isinstance(value, dict):
        return all(isinstance(job, str) and isinstance(state, JobState) for job, state in value.items())
    return value is None or isinstance(value, Submitted | Refused | DoNotKnow | JobState | Changed)
