"""Cobalt: commands, and answers as version 1.0.33 printed them."""

import pytest
from scheduler_answers import JOB, refused, scheduler

from hpcmake.runners.schedulers.jobs import Changed, DoNotKnow, Refused, Submission, Submitted
from hpcmake.site import NodeKind, Queue, Site

COBALT = scheduler("cobalt")
THETA = Site("theta", "cobalt", "aprun", project="P", filesystems=("home", "theta-fs0"))
DEBUG = Queue("debug-cache-quad", "knl", (1, 8), ((1, 7200),))
NOISE = 'No handlers could be found for logger "Proxy"\n'
USAGE = """\
Usage: qsub.py --help
Usage: qsub.py [options] <executable> [<excutable options>]

Refer to man pages for JOBID EXPANSION and SCRIPT JOB DIRECTIVES.


"""
DOWN = (
    "<Fault 20: '<START TRACEBACK ... Exception  : error: [Errno 111] Connection refused"
    " ... END TRACEBACK: about 30 lines, cut here>'>"
)


# ---------------------------------------------------------------- submitting


def test_a_job() -> None:
    assert " ".join(COBALT.render_submit(THETA, DEBUG, JOB)) == (
        "qsub -n 2 -t 91 --mode script --jobname hm0a1b2-0001-x7 -o /c/out -e /c/out --debuglog /c/out.cobaltlog"
        " --attrs filesystems=home,theta-fs0 -q debug-cache-quad -A P /c/job.sh"
    )


def test_a_job_with_parents_and_files_of_its_own() -> None:
    job = JOB.replace(parents=("10", "11"), error="/c/err", log="/c/log", project="Q")
    assert " ".join(COBALT.render_submit(THETA.replace(filesystems=()), None, job)) == (
        "qsub -n 2 -t 91 --mode script --jobname hm0a1b2-0001-x7 -o /c/out -e /c/err --debuglog /c/log"
        " --dependencies 10:11 -A Q /c/job.sh"
    )


def test_attributes_are_given_once() -> None:
    kind = NodeKind("knl", 64, words=("--attrs", "mcdram=flat"))
    site = THETA.replace(nodes=(kind,), submit_words=("--attrs=location=0-7", "-M", "me@x"))
    words = COBALT.render_submit(site, DEBUG, JOB.replace(held=True))
    assert words[words.index("--attrs") + 1 :] == [
        "filesystems=home,theta-fs0:mcdram=flat:location=0-7",
        *("-h", "-q", "debug-cache-quad", "-M", "me@x", "-A", "P", "/c/job.sh"),
    ]
    assert words.count("--attrs") == 1


@pytest.mark.parametrize(("seconds", "minutes"), [(1, "1"), (60, "1"), (61, "2"), (5400, "90"), (86400, "1440")])
def test_a_walltime_is_minutes_and_never_has_a_colon(seconds: float, minutes: str) -> None:
    """Cobalt fact 1.15, Cobalt fact 9.8: `1:30` would be hours and minutes, and seconds are dropped."""
    words = COBALT.render_submit(THETA, None, JOB.replace(walltime=seconds))
    assert words[words.index("-t") + 1] == minutes


@pytest.mark.parametrize(
    "job",
    [
        JOB.replace(parents=("1",), held=True),  # would miss the end of its parent
        JOB.replace(parents=("1",), after="any"),  # Cobalt has no such dependency
        JOB.replace(parents=("",)),  # means no dependency at all, with a warning
    ],
)
def test_what_cobalt_cannot_do(job: Submission) -> None:
    """Cobalt fact 1.2: there is no `afterany`.

    Cobalt fact 1.4, Cobalt fact 9.2: a job that is held and depends on another would miss the end of that.
    """
    with pytest.raises(ValueError, match=r"Cobalt|dependency"):
        COBALT.render_submit(THETA, DEBUG, job)


def test_the_id_of_a_job() -> None:
    assert COBALT.parse_submitted(0, "1\n", "") == Submitted("1")


def test_the_server_may_add_a_message_to_the_id() -> None:
    """Cobalt fact 1.10: `JOBID message` on one line."""
    assert COBALT.parse_submitted(0, "266 wait for it\n", "") == Submitted("266", ("wait for it",))


def test_lines_may_go_before_the_id() -> None:
    """Cobalt fact 1.10: a first line that is no id."""
    assert COBALT.parse_submitted(0, "Removing job dependencies\n6\n", "") == Submitted("6")


def test_words_of_a_filter_are_warnings() -> None:
    """Cobalt fact 1.10: a site's filters write to stderr."""
    err = 'Job routed to queue "debug-cache-quad".\nMemory mode set to cache quad for queue debug-cache-quad\n'
    assert COBALT.parse_submitted(0, "7\n", err) == Submitted("7", tuple(err.splitlines()))


@pytest.mark.parametrize(
    ("named", "lost"),
    [
        ("31", ("31",)),
        ("77777", ("77777",)),
        ("1:2", ("1", "2")),
        ("1,2", ("1", "2")),
        ("notajob", ("notajob",)),
        ("", ()),
    ],
)
def test_a_parent_that_has_left_the_queue_is_told_while_the_job_is_taken(named: str, lost: tuple[str, ...]) -> None:
    """Cobalt fact 1.1: qsub warns on stderr, prints an id and exits 0; the driver learns which parents are lost."""
    err = f"WARNING: dependencies {named} do not match jobs currently in the queue"
    assert COBALT.parse_submitted(0, "32\n", err + "\n") == Submitted("32", (err,), lost)


@pytest.mark.parametrize(
    ("err", "status", "kind", "text"),
    [
        ("No executable or script specified\n\n", 1, "never", "No executable or script specified"),
        ("No required options provided\n\n", 1, "never", "No required options provided"),
        ("'time' not provided\n", 1, "never", "'time' not provided"),
        ("'nodecount' not provided\n", 1, "never", "'nodecount' not provided"),
        ("command /c/nosuch.sh not found, or is not a file\n", 1, "never", None),
        ("command /c/noexec.sh is not executable\n", 1, "never", None),
        (
            f"{NOISE}<Fault 1001: \"trying to add job to non-existent queue 'nosuchq'\">\n",
            1,
            "never",
            "trying to add job to non-existent queue 'nosuchq'",
        ),
        (
            f"{USAGE}qsub.py: error: no such option: --nosuchopt\n",
            2,
            "never",
            "qsub.py: error: no such option: --nosuchopt",
        ),
        (
            "Specifed mode 'c16' not valid, valid modes are\nco\nvn\nscript\ninteractive\n",
            1,
            "never",
            "Specifed mode 'c16' not valid, valid modes are\nco\nvn\nscript\ninteractive",
        ),
        ("node count out of realistic range\n", 1, "never", "node count out of realistic range"),
        (
            f"{USAGE}qsub.py: error: option -n: invalid integer value: 'abc'\n",
            2,
            "never",
            "qsub.py: error: option -n: invalid integer value: 'abc'",
        ),
        (
            (
                f"{NOISE}component error: XMLRPC failure <Fault 1004: 'Node count out of realistic range'> in"
                " system.validate_job\n\n"
            ),
            1,
            "never",
            "Node count out of realistic range",
        ),
        (
            (
                f"{NOISE}component error: XMLRPC failure <Fault 1004: 'Job requested 5000 nodes.  Maximum permitted size is"
                " 4100'> in system.validate_job\n\n"
            ),
            1,
            "never",
            "Job requested 5000 nodes.  Maximum permitted size is 4100",
        ),
        (
            f"{NOISE}component error: XMLRPC failure <Fault 1004: 'Walltime less than minimum'> in system.validate_job\n\n",
            1,
            "never",
            "Walltime less than minimum",
        ),
        ("invalid time specification: illegal value 'xx' for minutes\n", 1, "never", None),
        (
            f"{NOISE}<Fault 1001: \"Walltime greater than the 'debug-cache-quad' queue max walltime of 01:00:00\\n\">\n",
            1,
            "never",
            "Walltime greater than the 'debug-cache-quad' queue max walltime of 01:00:00",
        ),
        (
            f"{NOISE}<Fault 1001: \"Walltime less than the 'default' queue min walltime of 00:30:00\\n\">\n",
            1,
            "never",
            "Walltime less than the 'default' queue min walltime of 00:30:00",
        ),
        (
            f"{NOISE}<Fault 1001: \"You are not allowed to submit to the 'R.fixture' queue\\n\">\n",
            1,
            "never",
            "You are not allowed to submit to the 'R.fixture' queue",
        ),
        (
            f"{NOISE}<Fault 1001: \"You are not allowed to submit to the 'R.x' queue (group restriction)\\n\">\n",
            1,
            "never",
            "You are not allowed to submit to the 'R.x' queue (group restriction)",
        ),
        (
            f"{NOISE}<Fault 1001: \"The 'draining' queue is draining\">\n",
            1,
            "again",
            "The 'draining' queue is draining",
        ),
        (f"{NOISE}<Fault 1001: \"The 'deadq' queue is dead\">\n", 1, "never", "The 'deadq' queue is dead"),
        ("directory /c/nodir/out.txt does not exist\n", 1, "never", None),
        ("Improperly formatted argument to env : ['novalue']\n", 1, "never", None),
        ("Improperly formatted argument to attrs : a=b=c\n", 1, "never", None),
        ("--proccount is 0 which is greater <= to zero\n", 1, "never", None),
        ("file /c/nosuchinput not found, or is not a file\n", 1, "never", None),
        (
            f"{NOISE}<Fault 1001: \"The limit of 2 jobs per user in the 'debug-cache-quad' queue has been reached\\n\">\n",
            1,
            "again",
            "The limit of 2 jobs per user in the 'debug-cache-quad' queue has been reached",
        ),
        (
            f"{NOISE}<Fault 1001: \"The limit of 1320 node hours per user in the 'default' queue has been reached\\n\">\n",
            1,
            "again",
            "The limit of 1320 node hours per user in the 'default' queue has been reached",
        ),
        (
            (
                f"{NOISE}<Fault 1001: \"The limit of 2 jobs per user in the 'q' queue has been reached\\nWalltime greater than"
                " the 'q' queue max walltime of 01:00:00\\n\">\n"
            ),
            1,
            "never",
            (
                "The limit of 2 jobs per user in the 'q' queue has been reached\n"
                "Walltime greater than the 'q' queue max walltime of 01:00:00"
            ),
        ),
        ("Projects available: A, B\n", 1, "never", None),
        ("not today\nFilter /usr/bin/filter failed\n", 1, "unknown", "not today\nFilter /usr/bin/filter failed"),
    ],
)
def test_a_refusal(err: str, status: int, kind: str, text: str | None) -> None:
    assert refused("cobalt", status, err) == (kind, text or err.strip(), False)


@pytest.mark.parametrize(
    "err",
    [
        f"{NOISE}{DOWN}\n",
        f"component error: XMLRPC failure {DOWN} in queue-manager.add_jobs\n\n",
        "component error: Failed to connect to queue-manager: unable to find it\n",
    ],
)
def test_a_server_that_is_down_may_have_taken_the_job_before(err: str) -> None:
    kind, _, may_be_queued = refused("cobalt", 1, err)
    assert (kind, may_be_queued) == ("again", True)


def test_usage_on_stdout_is_not_what_was_said() -> None:
    assert refused("cobalt", 1, "No required options provided\n\n", USAGE)[1] == "No required options provided"


@pytest.mark.parametrize(
    ("status", "out", "err", "answer"),
    [
        (None, "", "", Refused("again", "qsub did not answer", may_be_queued=True)),
        (0, "", "", Refused("unknown", "qsub said nothing, and ended with status 0", may_be_queued=True)),
        (0, "thank you\n", "", Refused("unknown", "thank you", may_be_queued=True)),
        (1, "", "the moon is full\n", Refused("unknown", "the moon is full", may_be_queued=True)),
        (1, "12 angry men\n", "", Refused("unknown", "12 angry men", may_be_queued=True)),
        (None, "12\n", "", Submitted("12")),
        (1, "12\n", "bad weather\n", Submitted("12", ("bad weather",))),
    ],
)
def test_answers_that_nobody_has_seen(status: int | None, out: str, err: str, answer: object) -> None:
    assert COBALT.parse_submitted(status, out, err) == answer


# ---------------------------------------------------------------- changing


def test_deleting() -> None:
    assert COBALT.render_cancel(["21", "20", "19"]) == ["qdel", "21", "20", "19"]
    out = "      Deleted Jobs\nJobID  User   \n==============\n17     alice  \n18     alice  \n"
    assert COBALT.parse_cancelled(["18", "17"], 0, out, "") == Changed(("18", "17"))


def test_qdel_is_silent_of_a_job_that_is_unknown_or_not_ours() -> None:
    """Cobalt fact 1.9: no output, exit 0."""
    assert COBALT.parse_cancelled(["99999"], 0, "", "") == Changed(gone=("99999",))


def test_qdel_where_the_server_is_down() -> None:
    err = f"{NOISE}component error: XMLRPC failure {DOWN} in queue-manager.del_jobs\n\n"
    assert isinstance(COBALT.parse_cancelled(["1"], 1, "", err), DoNotKnow)
    assert isinstance(COBALT.parse_cancelled(["1"], None, "", ""), DoNotKnow)


def test_qdel_of_what_is_no_number() -> None:
    text = "jobid must be an integer: abc"
    assert COBALT.parse_cancelled(["1abc"], 1, "", text + "\n") == Changed(refused=(("1abc", text),))


def test_releasing() -> None:
    assert COBALT.render_release(["22", "23"]) == ["qrls", "22", "23"]
    out = "   Removed user hold on jobs: \n      22\n      23\n"
    assert COBALT.parse_changed(["22", "23"], 0, out, "") == Changed(("22", "23"))


@pytest.mark.parametrize(
    ("out", "changed"),
    [
        (
            "   Failed to remove user hold on jobs: \n      job 17 does not have a 'user hold'\n",
            Changed(refused=(("17", "does not have a 'user hold'"),)),
        ),
        (
            "   Failed to place user hold on jobs: \n      job 17 already in state 'user hold'\n",
            Changed(refused=(("17", "already in state 'user hold'"),)),
        ),
        ("   Failed to place user hold on jobs: \n      job 17 not found\n", Changed(gone=("17",))),
        ("   Removed dependencies from jobs: \n      17\n", Changed(("17",))),
        ("Removing job dependencies\ndependencies set to \n", Changed(("17",))),
        ("walltime changed from 10 to 1\n", Changed(("17",))),
    ],
)
def test_changes_fail_with_a_status_of_zero(out: str, changed: Changed) -> None:
    assert COBALT.parse_changed(["17"], 0, out, "") == changed


def test_a_change_of_an_unknown_job() -> None:
    err = "Failed to match any jobs or queues\n"
    assert COBALT.parse_changed(["99999"], 0, "", err) == Changed(gone=("99999",))
    assert COBALT.parse_changed(["99999"], 0, "", "   No jobs found.\nFailed to match any jobs\n") == Changed(
        gone=("99999",)
    )


@pytest.mark.parametrize(
    ("err", "text"),
    [
        ("cannot change wall time of a running job\n", "cannot change wall time of a running job"),
        (
            (
                f"{NOISE}component error: XMLRPC failure <Fault 1001: \"Walltime greater than the 'debug-cache-quad' queue max"
                ' walltime of 01:00:00\\n"> in queue-manager.set_jobs\n\n'
            ),
            "Walltime greater than the 'debug-cache-quad' queue max walltime of 01:00:00",
        ),
        (  # a full queue counts the job itself
            (
                f"{NOISE}component error: XMLRPC failure <Fault 1001: \"The limit of 2 jobs per user in the 'debug-cache-quad'"
                ' queue has been reached\\n"> in queue-manager.set_jobs\n\n'
            ),
            "The limit of 2 jobs per user in the 'debug-cache-quad' queue has been reached",
        ),
    ],
)
def test_a_change_that_is_refused(err: str, text: str) -> None:
    """Cobalt fact 1.11: in a queue that is full for the user, a change of a job in it is refused as well."""
    assert COBALT.parse_changed(["56"], 1, "", err) == Changed(refused=(("56", text),))


def test_a_change_where_the_server_is_down() -> None:
    err = f"{NOISE}component error: XMLRPC failure {DOWN} in queue-manager.set_jobs\n"
    assert isinstance(COBALT.parse_changed(["56"], 1, "", err), DoNotKnow)


def test_altering() -> None:
    """Cobalt fact 1.16: to wait for nobody is an order of its own, and not a dependency called `none`."""
    assert COBALT.render_walltime("22", 1200) == ["qalter", "-t", "20", "22"]
    assert COBALT.render_parents("22", ["10", "11"]) == ["qalter", "--dependencies", "10:11", "22"]
    assert COBALT.render_parents("22", []) == ["qrls", "--dependencies", "22"]
    assert COBALT.render_parents("22", ["10"], after="any") is None
