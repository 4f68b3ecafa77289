"""What holds for all schedulers alike, and the nouns of a queue."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheduler_answers import JOB, is_answer, scheduler

from hpcmake.runners.schedulers.answers import parse_clock, parse_ctime
from hpcmake.runners.schedulers.cobaltlog import parse_cobaltlog
from hpcmake.runners.schedulers.endings import explain_ending
from hpcmake.runners.schedulers.jobs import STATES, Ending, JobState, Submission, find_place, order_children_first
from hpcmake.runners.schedulers.scheduler import find_scheduler
from hpcmake.site import NodeKind, Queue, Site

NAMES = ("cobalt", "pbs", "slurm")
IDS = {"cobalt": "12", "pbs": "12.pbs01", "slurm": "12"}


def test_where_there_is_no_scheduler() -> None:
    assert find_scheduler("none") is None
    assert find_scheduler("torque") is None


# ---------------------------------------------------------------- commands

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)
SUBMISSIONS = st.builds(
    Submission,
    script=WORDS.map("/".__add__),
    name=WORDS,
    nodes=st.integers(1, 10**6),
    walltime=st.floats(0.1, 1e7),
    output=WORDS.map("/".__add__),
    error=st.one_of(st.just(""), WORDS),
    log=st.one_of(st.just(""), WORDS),
    parents=st.lists(st.integers(1, 10**6).map(str), max_size=3).map(tuple),
    held=st.booleans(),
    project=st.one_of(st.none(), WORDS),
)
SITES = st.builds(
    Site,
    name=WORDS,
    scheduler=st.just("cobalt"),
    launcher=st.just("aprun"),
    project=st.one_of(st.none(), st.just(""), WORDS),
    filesystems=st.lists(WORDS, max_size=2).map(tuple),
    submit_words=st.lists(WORDS, max_size=3).map(tuple),
    nodes=st.lists(st.builds(NodeKind, WORDS, st.integers(1, 9), words=st.lists(WORDS).map(tuple)), max_size=1).map(
        tuple
    ),
)
QUEUES = st.builds(
    Queue,
    name=WORDS,
    node=st.none(),
    nodes=st.just((1, 9)),
    longest=st.just(((1, 60.0),)),
    preemptable=st.booleans(),
    words=st.one_of(st.none(), st.lists(WORDS, max_size=2).map(tuple)),
)


@pytest.mark.parametrize("name", NAMES)
@given(site=SITES, queue=st.one_of(st.none(), QUEUES), job=SUBMISSIONS)
def test_a_submission_has_no_empty_word_and_ends_with_the_script(
    name: str, site: Site, queue: Queue | None, job: Submission
) -> None:
    """Cobalt fact 1.14: options stand before the script."""
    job = job.replace(held=job.held and not job.parents)
    words = scheduler(name).render_submit(site, queue, job)
    assert all(words)
    assert words[-1] == job.script
    assert words[0] in {"qsub", "sbatch"}
    assert words.count("-r") + words.count("--no-requeue") + words.count("--requeue") >= (name != "cobalt")


@pytest.mark.parametrize("name", NAMES)
def test_a_command_without_ids_could_mean_all_jobs(name: str) -> None:
    asked = scheduler(name)
    for render in (asked.render_cancel, asked.render_release, lambda ids: asked.render_poll("me", ids)):
        assert all(render([IDS[name]]))
        for ids in ([], [""], ["-u"], ["1", "all"]):
            with pytest.raises(ValueError, match="not ids of jobs"):
                render(ids)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_that_is_rendered_is_named(name: str) -> None:
    asked, job = scheduler(name), IDS[name]
    rendered = [
        asked.render_submit(Site("x", name, "none"), None, JOB),
        asked.render_poll("me", [job]),
        asked.render_poll_user("me"),
        asked.render_poll_queue("q"),
        asked.render_poll_job(job),
        asked.render_history([job]),
        asked.render_cancel([job]),
        asked.render_release([job]),
        asked.render_walltime(job, 60),
        asked.render_parents(job, []),
        asked.render_parents(job, [job]),
    ]
    assert {words[0] for words in rendered if words} == set(asked.COMMANDS)


# ---------------------------------------------------------------- answers

KNOWN = st.sampled_from(
    [
        "JobID  State  \n==============\n",
        "1      running\n",
        'No handlers could be found for logger "Proxy"\n',
        '<Fault 1001: "',
        "WARNING: dependencies 1 do not match jobs currently in the queue",
        "Job ID  Username Queue  Jobname \n-----\n",
        '{"pbs_version": 1, "Jobs": {"1.a": {"Exit_status": "x", "depend": [], "Resource_List": 3, "substate": null}}}',
        "qdel: Unknown Job Id 9999.pbs01\n",
        "9|FAILED|x|1|1:00|1:00|9999-99-99T99:99:99|1|b|q|0|0|a|x|y|\n",
        "JobID|State|ExitCode|Start|TimelimitRaw|NNodes|Partition|User|JobName\n",
        "1|CANCELLED by |:|||||\n",
        "Fri Jan 99 99:99:99 0000 +9999",
        "Jobid: 1\n",
        " Info: task completed normally with an exit code of 9;",
        "\u0661\u0662",
    ]
)
TEXTS = st.one_of(
    st.binary(max_size=60).map(lambda each: each.decode(errors="replace")),
    st.lists(st.one_of(KNOWN, st.text(max_size=10)), max_size=5).map("".join),
)
STATUSES = st.one_of(st.none(), st.sampled_from([0, 1, 35, 38, 153]), st.integers(-64, 255))


@pytest.mark.parametrize("name", NAMES)
@given(status=STATUSES, out=TEXTS, err=TEXTS)
def test_any_answer_is_read(name: str, status: int | None, out: str, err: str) -> None:
    asked, job = scheduler(name), IDS[name]
    for parse in (asked.parse_submitted, asked.parse_poll, asked.parse_poll_job, asked.parse_history):
        assert is_answer(parse(status, out, err))
    for change in (asked.parse_cancelled, asked.parse_changed):
        assert is_answer(change([job], status, out, err))
    assert isinstance(parse_cobaltlog(out + err), Ending)


@pytest.mark.parametrize("name", NAMES)
@given(out=TEXTS, err=TEXTS)
def test_a_command_that_did_not_end_tells_nothing_but_an_id(name: str, out: str, err: str) -> None:
    asked = scheduler(name)
    assert "did not answer" in getattr(asked.parse_poll(None, out, err), "text", "")
    answer = asked.parse_submitted(None, out, err)
    assert getattr(answer, "id", "") or getattr(answer, "may_be_queued", False)


@pytest.mark.parametrize("name", NAMES)
def test_a_job_that_is_gone_is_not_one_that_nobody_can_tell_of(name: str) -> None:
    gone = {
        "cobalt": (1, "", ""),
        "pbs": (153, "", "qstat: Unknown Job Id 12.pbs01\n"),
        "slurm": (1, "", "slurm_load_jobs error: Invalid job id specified\n"),
    }
    asked = scheduler(name)
    assert asked.parse_poll_job(*gone[name]) is None
    for status in (None, 137, -9, 2):
        assert asked.parse_poll_job(status, "", "") is not None
        assert asked.parse_poll_job(status, "", "timed out") is not None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:10:00", 600),
        ("100:00:01", 360_001),
        ("5:00", 300),
        ("1-01:00:00", 90_000),
        ("01:01:00:00", 90_000),
        ("N/A", None),
        ("UNLIMITED", None),
        ("5", None),
    ],
)
def test_a_time(text: str, seconds: float | None) -> None:
    assert parse_clock(text) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Sun Nov 22 11:44:33 2026 +0000 (UTC)", 1795347873),
        ("Sun Nov 22 05:44:33 2026 -0600 (CST)", 1795347873),
        ("Thu Feb 29 00:00:00 2024 +0000", 1709164800),
        ("Thu Jan  1 01:00:00 1970 +0100", 0),
        ("N/A", None),
        ("Sun Foo 22 11:44:33 2026 +0000", None),
    ],
)
def test_a_date(text: str, seconds: float | None) -> None:
    assert parse_ctime(text) == seconds


# ---------------------------------------------------------------- places and orders


def queued(job: str, score: float | None, *, state: str = "queued", queue: str = "q") -> JobState:
    assert state in STATES
    return JobState(job, "x", state, queue=queue, score=score)


def test_the_place_of_a_job() -> None:
    jobs = [
        queued("1", 3.0, state="running"),
        queued("2", 1.0),
        queued("10", 2.0),
        queued("9", 2.0),
        queued("3", 9.0, state="held"),
        queued("4", 9.0, queue="other"),
    ]
    assert [find_place(jobs, job) for job in ("9", "10", "2", "4")] == [1, 2, 3, 1]
    assert [find_place(jobs, job) for job in ("1", "3", "77")] == [None, None, None]


def test_where_no_scores_are_told_there_is_no_place() -> None:
    assert find_place([queued("1", None), queued("2", 1.0)], "1") is None
    assert find_place([queued("1", None), queued("2", 1.0)], "2") is None


def test_children_are_deleted_first() -> None:
    """Cobalt fact 9.4: descendants are deleted last first."""
    parents = {"1": (), "2": ("1",), "3": ("1", "2"), "4": ("99",), "5": ("3", "4")}
    assert order_children_first(parents) == ("5", "4", "3", "2", "1")
    assert order_children_first({}) == ()


def test_jobs_that_wait_for_one_another_have_no_order() -> None:
    with pytest.raises(ValueError, match="waits for itself"):
        order_children_first({"1": ("2",), "2": ("1",)})


def test_a_chain_may_be_long() -> None:
    parents = {str(each): (str(each - 1),) for each in range(5000)}
    assert order_children_first(parents)[0] == "4999"


@given(st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=4), max_size=12))
def test_each_job_is_deleted_before_its_parents(drawn: dict[int, list[int]]) -> None:
    parents = {str(job): [str(each) for each in others if each < job] for job, others in drawn.items()}
    ordered = order_children_first(parents)
    assert sorted(ordered) == sorted(parents)
    for job, others in parents.items():
        assert all(ordered.index(job) < ordered.index(each) for each in others if each in parents)


# ---------------------------------------------------------------- what an end means


@pytest.mark.parametrize(
    ("ending", "kind", "text"),
    [
        (Ending("exit", 0), "well", "it ended well (exit 0)"),
        (Ending("exit", 1), "task failed", "a task failed (exit 1)"),
        (Ending("exit", 75), "work left", "work was left at its deadline (exit 75)"),
        (Ending("exit", 143), "stopped", "it was told to end (exit 143)"),
        (
            Ending("exit", 3),
            "unusable",
            "no task was tried: its setup, Python or launcher could not be used (exit 3)",
        ),
        (
            Ending("exit", 127),
            "unusable",
            "no task was tried: its setup, Python or launcher could not be used (exit 127)",
        ),
        (Ending("exit", 70), "our bug", "hpcmake itself failed (exit 70)"),
        (Ending("exit", 139), "cut short", "it was killed by signal 11"),
        (Ending("exit", 5), "lost", "it ended with 5, which hpcmake never does"),
        (Ending("walltime"), "cut short", "it was killed at its walltime"),
        (Ending("deleted", by="alice"), "cut short", "it was deleted by alice"),
        (Ending("node", text="NodeDown"), "cut short", "it lost a node: NodeDown"),
        (Ending("parent"), "not run", "it was not run, since a job before it did not end well"),
        (Ending("start", text="JobLaunchFailure"), "not run", "it could not be started: JobLaunchFailure"),
        (Ending("unknown"), "lost", "nobody knows how it ended"),
        (Ending("exit"), "lost", "nobody knows how it ended"),
    ],
)
def test_what_an_end_means(ending: Ending, kind: str, text: str) -> None:
    meaning = explain_ending(ending)
    assert (meaning.kind, meaning.text) == (kind, text)


def test_nothing_needs_quotes_but_paths() -> None:
    """What a log of Cobalt holds is the command line as it was typed: shlex brings it back."""
    words = scheduler("cobalt").render_submit(Site("x", "cobalt", "none"), None, JOB)
    assert shlex.split(" ".join(words)) == words
