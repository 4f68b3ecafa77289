"""What the emulated Cobalt does with jobs: each trap of the real one, by the number of the fact that tells of it.

Its pace is that of the real one: cycles of 10 s, a look at dependencies each minute.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from cobalt_bench import Bench
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hpcmake.site import Site
from hpcmake.sites import read_site
from hpcmake.testbed.queue.nouns import Request

SITE = Site("machine", "cobalt", "mpiexec")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A cluster of 16 nodes with one queue that has no limits."""
    return Bench(tmp_path, SITE)


@pytest.fixture
def theta(tmp_path: Path) -> Bench:
    """Theta, with its queues, and nodes of another name."""
    bench = Bench(tmp_path, read_site("theta", {}), nodes=4392)
    bench.queue.hosts = tuple(f"nid{at:05}" for at in range(4392))
    return bench


def test_a_parent_that_has_left_the_queue_releases_nobody(bench: Bench) -> None:
    """Fact 1.1: qsub warns, prints an id and exits 0; the job is in dep_hold, and within 60 s in dep_fail."""
    parent = bench.sub("sleep.sh", "1")
    bench.wait(60)
    assert bench.states() == {}
    answer = bench.ask("qsub", "-n", "1", "-t", "10", "--dependencies", str(parent), "sleep.sh")
    assert (answer.out, answer.status) == ("2\n", 0)
    assert answer.err == "WARNING: dependencies 1 do not match jobs currently in the queue\n"
    assert bench.states() == {2: "dep_hold"}
    bench.wait(60)
    assert bench.states() == {2: "dep_fail"}


@pytest.mark.parametrize("how", ["fails", "is deleted", "is deleted while it waits", "is killed"])
def test_only_status_0_releases_a_child(bench: Bench, how: str) -> None:
    """Fact 1.2: in all other cases the child is in dep_fail for ever."""
    parent = bench.sub(*(["-h"] if how.endswith("waits") else []), "fail.sh" if how == "fails" else "sleep.sh", "40")
    bench.sub("--dependencies", str(parent))
    bench.wait(20)
    if "deleted" in how:
        bench.ask("qdel", str(parent))
    elif how == "is killed":
        bench.end(parent, -9)
    bench.wait(24 * 3600)
    assert bench.states() == {2: "dep_fail"}


def test_a_child_starts_20_to_60_seconds_after_its_parent_has_ended(bench: Bench) -> None:
    """Section 5: one link of a chain costs some cycles."""
    bench.sub("sleep.sh", "1000")
    bench.sub("--dependencies", "1")
    bench.wait(500)
    ended = bench.now
    bench.end(1, 0)
    while bench.job(2).state != "running":
        bench.wait(1)
    assert 20 <= bench.now - ended <= 60


def test_dep_fail_does_not_run_down_a_chain(bench: Bench) -> None:
    """Fact 1.3: a grandchild is in dep_hold as long as its parent is queued."""
    bench.sub("fail.sh")
    bench.sub("--dependencies", "1")
    bench.sub("--dependencies", "2")
    bench.wait(600)
    assert bench.states() == {2: "dep_fail", 3: "dep_hold"}
    bench.ask("qdel", "2")
    bench.wait(60)
    assert bench.states() == {3: "dep_fail"}


def test_a_success_is_credited_only_to_children_in_dep_hold(bench: Bench) -> None:
    """Fact 1.4: a child in user_hold, or in dep_fail for another parent's sake, misses it."""
    bench.sub("sleep.sh", "200")
    bench.sub("fail.sh", "1")
    bench.sub("-h", "--dependencies", "1")
    bench.sub("--dependencies", "1:2")
    bench.sub("--dependencies", "1")
    bench.wait(120)
    assert bench.states() == {1: "running", 3: "user_hold", 4: "dep_fail", 5: "dep_hold"}
    bench.wait(170)
    assert bench.ask("qrls", "3").out == "   Removed user hold on jobs: \n      3\n"
    assert bench.job(4).show_dependencies() == "1, 2"
    bench.wait(60)
    assert bench.states() == {3: "dep_fail", 4: "dep_fail"}


def test_a_script_that_traps_sigterm_and_exits_0_releases_its_children(bench: Bench) -> None:
    """Facts 1.5 and 9.7: Cobalt counts it as success, though its walltime is over."""
    bench.sub("trap0.sh")
    bench.sub("--dependencies", "1")
    bench.wait(15)
    assert bench.states() == {1: "running", 2: "dep_hold"}
    bench.wait(600)
    assert bench.signals == [(1, signal.SIGTERM)]
    bench.wait(30)
    assert bench.states() == {2: "running"}
    assert "exit code" not in bench.text("1.cobaltlog")


def test_a_script_that_does_not_end_is_killed_after_the_grace(bench: Bench) -> None:
    """Section 3: `killing` is shown for 5 minutes, then SIGKILL follows."""
    bench.write("stubborn.sh")
    bench.sub("stubborn.sh")
    bench.lasts = 10000
    bench.wait(10 + 600)
    assert bench.states() == {1: "killing"}
    bench.wait(280)
    assert (bench.states(), bench.killed) == ({1: "killing"}, [])
    bench.wait(30)
    assert bench.states() == {}
    assert bench.killed[0] == 1


@pytest.mark.parametrize("words", [["1"], ["-lf", "1"], ["999"], ["1", "999"], ["--header", "JobID:State", "1"]])
def test_of_a_job_that_has_left_nothing_is_told(bench: Bench, words: list[str]) -> None:
    """Fact 1.6: finished, deleted and unknown jobs are the same; fact 9.5: exit 1, and nothing on stderr."""
    bench.sub("sleep.sh", "1")
    bench.wait(60)
    answer = bench.ask("qstat", *words)
    assert (answer.out, answer.err, answer.status) == ("", "", 1)


@pytest.mark.parametrize(("name", "asked"), [("qstat", "get_queues"), ("qdel", "del_jobs"), ("qrls", "set_jobs")])
def test_while_the_server_is_down_there_is_text_on_stderr(bench: Bench, name: str, asked: str) -> None:
    """Fact 1.7: exit 1 as well, but not silent."""
    answer = bench.cobalt.down(Request(name, ("1",), "/", "alice", {}))
    assert (answer.out, answer.status) == ("", 1)
    assert answer.err.startswith(
        'No handlers could be found for logger "Proxy"\ncomponent error: XMLRPC failure <Fault 20'
    )
    assert answer.err.endswith(f"> in queue-manager.{asked}\n\n")


def test_the_exit_status_is_told_only_after_the_job_has_left_the_queue(bench: Bench) -> None:
    """Facts 1.8 and 9.6: in the .cobaltlog, seconds later."""
    bench.sub("fail.sh", "3")
    while bench.states():
        bench.wait(0.2)
    assert "exit code" not in bench.text("1.cobaltlog")
    bench.wait(30)
    end = "Info: task completed normally with an exit code of 3; initiating job cleanup and removal\n"
    assert bench.text("1.cobaltlog").endswith(end)


def test_of_a_job_that_was_killed_no_exit_status_is_told(bench: Bench) -> None:
    """Fact 1.8: neither at its walltime nor where somebody deletes it."""
    bench.sub("sleep.sh", "9000")
    bench.sub("sleep.sh", "9000")
    bench.wait(20)
    bench.ask("qdel", "2")
    bench.wait(1000)
    assert bench.states() == {}
    over, deleted = bench.text("1.cobaltlog"), bench.text("2.cobaltlog")
    assert "exit code" not in over + deleted
    assert over.endswith("Info: maximum execution time exceeded; initiating job termination\n")
    assert deleted.endswith("Info: user delete requested with signal SIGTERM by user alice\n")


def test_a_log_that_is_gone_is_not_made_again(bench: Bench) -> None:
    """Section 5: a tool that moves the .cobaltlog loses the exit status."""
    bench.sub("fail.sh", "100")
    bench.wait(30)
    os.unlink(os.path.join(bench.home, "1.cobaltlog"))
    bench.wait(300)
    assert not os.path.exists(os.path.join(bench.home, "1.cobaltlog"))


def test_qdel_says_nothing_of_what_it_does_not_delete(bench: Bench) -> None:
    """Fact 1.9: an unknown id, and another user's job."""
    bench.sub("-h")
    bench.user = "bob"
    for words in (["99"], ["1"], ["1", "99"]):
        answer = bench.ask("qdel", *words)
        assert (answer.out, answer.err, answer.status) == ("", "", 0)
    assert bench.states() == {1: "user_hold"}


def test_stdout_of_qsub_may_hold_more_than_the_id(bench: Bench, theta: Bench) -> None:
    """Fact 1.10: a line before it; what filters write is on stderr."""
    answer = bench.ask("qsub", "-n", "1", "-t", "10", "--dependencies", "none", "sleep.sh")
    assert answer.out == "Removing job dependencies\n1\n"
    answer = theta.ask("qsub", "-n", "1", "-t", "10", "-A", "P", "-q", "debug-cache-quad", "sleep.sh")
    assert (answer.out, answer.err) == ("1\n", "Memory mode set to cache quad for queue debug-cache-quad\n")


def full(theta: Bench) -> None:
    """Fill the default queue."""
    for _ in range(20):
        answer = theta.ask("qsub", "-h", "-n", "128", "-t", "30", "-A", "P", "sleep.sh")
        assert answer.status == 0


LIMIT = "\"The limit of 20 jobs per user in the 'default' queue has been reached\\n\""


def test_in_a_full_queue_nothing_can_be_changed_but_holds(theta: Bench) -> None:
    """Fact 1.11: qalter and qrls --dependencies are refused, since the job itself is counted."""
    full(theta)
    for words in (["qalter", "-t", "40", "1"], ["qalter", "--dependencies", "2", "1"], ["qrls", "--dependencies", "1"]):
        answer = theta.ask(words[0], *words[1:])
        assert answer.err.endswith(f"<Fault 1001: {LIMIT}> in queue-manager.set_jobs\n\n"), words
        assert answer.status == 1
    assert theta.ask("qrls", "1").out == "   Removed user hold on jobs: \n      1\n"
    assert theta.ask("qhold", "1").out == "Placed user hold on jobs: \n      1\n"
    assert theta.ask("qmove", "debug-cache-quad", "1").status == 1, "it is judged by the queue that it goes to"
    assert theta.ask("qdel", "1").out.startswith("      Deleted Jobs\n")
    assert theta.ask("qalter", "-t", "40", "2").out == "walltime changed from 30 to 40\n"


def test_all_jobs_of_a_user_count(theta: Bench) -> None:
    """Facts 1.12 and 9.3: held ones too; those of others do not."""
    full(theta)
    refused = theta.ask("qsub", "-n", "128", "-t", "30", "-A", "P", "sleep.sh")
    assert (refused.out, refused.status) == ("", 1)
    assert refused.err == f'No handlers could be found for logger "Proxy"\n<Fault 1001: {LIMIT}>\n'
    theta.user = "bob"
    assert theta.ask("qsub", "-n", "128", "-t", "30", "-A", "P", "sleep.sh").out == "21\n"


def test_jobs_over_the_limit_of_running_ones_wait_in_maxrun_hold(theta: Bench) -> None:
    """Section 3: it ends by itself, and other queues have limits of their own."""
    theta.lasts = 500
    for _ in range(12):
        theta.ask("qsub", "-n", "128", "-t", "30", "-A", "P", "sleep.sh")
    theta.ask("qsub", "-n", "8", "-t", "30", "-A", "P", "-q", "debug-cache-quad", "sleep.sh")
    theta.wait(25)
    states = list(theta.states().values())
    assert states == ["running"] * 10 + ["maxrun_hold"] * 2 + ["running"]
    theta.wait(550)
    assert list(theta.states().values()) == ["running"] * 2


@pytest.mark.parametrize("between", ["\n", "# a comment\n"])
def test_lines_of_a_script_are_read_only_directly_under_the_first(bench: Bench, between: str) -> None:
    """Facts 1.13 and 9.10: and nothing in them can be quoted."""
    path = os.path.join(bench.home, "lines.sh")
    text = f'#!/bin/bash\n#COBALT -n 2 -t 10\n#COBALT --jobname "two words"\n{between}#COBALT -n 5\n'
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o755)
    assert bench.ask("qsub", "-t", "20", "lines.sh").out == "1\n"
    job = bench.job(1)
    assert (job.count, job.walltime, job.name) == (2, 1200, '"two')


def test_what_follows_the_script_is_its_own(bench: Bench) -> None:
    """Fact 1.14: options must stand before the script."""
    assert bench.ask("qsub", "-n", "1", "-t", "10", "sleep.sh", "-A", "proj", "-n", "5").out == "1\n"
    assert (bench.job(1).count, bench.job(1).project, bench.job(1).argv[1:]) == (1, "", ["-A", "proj", "-n", "5"])


@pytest.mark.parametrize(("text", "minutes"), [("90", 90), ("1:30", 90), ("00:10:59", 10), ("1:00:00:00", 1440)])
def test_one_colon_parts_hours_and_minutes(bench: Bench, text: str, minutes: int) -> None:
    """Facts 1.15 and 9.8: seconds are dropped."""
    assert bench.ask("qsub", "-n", "1", "-t", text, "sleep.sh").out == "1\n"
    assert bench.job(1).walltime == minutes * 60


def test_none_is_a_dependency_on_a_job_of_that_name(bench: Bench) -> None:
    """Fact 1.16: for qsub; an empty text warns, and is none."""
    bench.ask("qsub", "-n", "1", "-t", "10", "--dependencies", "none", "sleep.sh")
    empty = bench.ask("qsub", "-n", "1", "-t", "10", "--dependencies", "", "sleep.sh")
    assert (empty.out, empty.err) == ("2\n", "WARNING: dependencies  do not match jobs currently in the queue\n")
    bench.wait(60)
    assert (bench.job(1).state, bench.job(1).show_dependencies()) == ("dep_fail", "none")
    assert [job.number for job in bench.queue.jobs.values() if job.state == "dep_fail"] == [1]  # type: ignore[attr-defined]
    assert bench.ask("qalter", "--dependencies", "none", "1").out == "Removing job dependencies\ndependencies set to \n"
    bench.wait(20)
    assert bench.job(1).state == "running"


def test_a_script_sees_what_was_given_with_env_and_what_cobalt_sets(bench: Bench) -> None:
    """Fact 1.17: the environment of who submits is not passed on (the server starts scripts with a login's)."""
    answer = bench.ask("qsub", "-n", "1", "-t", "10", "--env", "A=$jobid:P=/usr/bin:/bin", "ok.sh", more={"MINE": "1"})
    bench.wait(20)
    seen = bench.text(f"{answer.out.strip()}.output").splitlines()
    assert {"A=1", "P=/usr/bin:/bin", "COBALT_JOBID=1"} <= set(seen)
    assert "MINE=1" not in seen


def test_output_is_appended(bench: Bench) -> None:
    """Fact 1.18: a second job with the same prefix adds to the files of the first, and to its log."""
    for _ in range(2):
        bench.sub("-O", "step", "ok.sh", "1")
        bench.wait(60)
    assert [line for line in bench.text("step.output").splitlines() if line.startswith("hello")] == [
        "hello from job 1",
        "hello from job 2",
    ]
    assert bench.text("step.cobaltlog").count("Jobid: ") == 2


def test_a_chain_is_submitted_whole(bench: Bench) -> None:
    """Facts 9.1 and 9.2: all at once, parents first; where all must wait, the first one alone is held."""
    bench.sub("-h", "sleep.sh", "10")
    for parent in (1, 2, 3):
        bench.sub("--dependencies", str(parent), "sleep.sh", "10")
    bench.wait(600)
    assert bench.states() == {1: "user_hold", 2: "dep_hold", 3: "dep_hold", 4: "dep_hold"}
    bench.ask("qrls", "1")
    bench.wait(300)
    assert bench.states() == {}


def test_what_is_left_of_a_chain_is_deleted_in_one_call(bench: Bench) -> None:
    """Fact 9.4: else it uses places."""
    bench.sub("fail.sh", "1")
    bench.sub("--dependencies", "1")
    bench.sub("--dependencies", "2")
    bench.wait(300)
    answer = bench.ask("qdel", "3", "2")
    assert answer.out == "      Deleted Jobs\nJobID  User   \n==============\n3      alice  \n2      alice  \n"
    assert bench.states() == {}


def test_a_job_deleted_while_it_starts_never_runs(bench: Bench) -> None:
    """Section 3: it shows `starting` until it is gone, and leaves no output."""
    bench.sub()
    bench.wait(6)
    assert bench.states() == {1: "starting"}
    bench.ask("qdel", "1")
    assert bench.states() == {1: "starting"}
    bench.wait(60)
    assert bench.states() == {}
    assert not os.path.exists(os.path.join(bench.home, "1.output"))
    assert len(bench.queue.free_hosts()) == 16


# ---------------------------------------------------------------- the site


def theta_says(theta: Bench, *words: str) -> str:
    answer = theta.ask("qsub", *words, "sleep.sh")
    assert (answer.out, answer.status) == ("", 1)
    return answer.err


def test_what_theta_refuses(theta: Bench) -> None:
    """Section 2 for texts of Cobalt; what its filter says is in words of the testbed."""
    noise = 'No handlers could be found for logger "Proxy"\n'
    failed = "\nFilter /usr/lib/cobalt/filters/emulated failed\n"
    asked = ("-n", "128", "-t")
    assert theta_says(theta, *asked, "60").startswith("Projects available")
    assert theta_says(theta, *asked, "20", "-A", "P") == (
        f"{noise}<Fault 1001: \"Walltime less than the 'default' queue min walltime of 00:30:00\\n\">\n"
    )
    assert theta_says(theta, *asked, "181", "-A", "P") == (
        f"emulated filter: a job of 128 nodes may have 03:00:00, not 03:01:00{failed}"
    )
    assert theta_says(theta, "-n", "802", "-t", "24:01:00", "-A", "P") == (
        f"{noise}<Fault 1001: \"Walltime greater than the 'default' queue max walltime of 24:00:00\\n\">\n"
    )
    assert theta_says(theta, "-n", "9", "-t", "30", "-A", "P", "-q", "debug-cache-quad") == (
        f"emulated filter: the queue debug-cache-quad has no jobs of 9 nodes, but of 1-8{failed}"
    )
    assert theta_says(theta, "-n", "5000", "-t", "30", "-A", "P") == "node count out of realistic range\n"


def test_a_small_job_is_given_128_nodes(theta: Bench) -> None:
    """Section 6: fewer are not to be had in the default queue."""
    theta.ask("qsub", "-n", "4", "-t", "30", "-A", "P", "sleep.sh")
    theta.wait(20)
    assert len(theta.job(1).hosts) == 128


@pytest.mark.parametrize("site", ["theta", "cooley", "mira", "cobalt"])
def test_queues_of_each_site(site: str, tmp_path: Path) -> None:
    """Fact 9.3: limits are to be had from qstat -Q."""
    bench = Bench(tmp_path, read_site(site, {}), nodes=100)
    lines = bench.ask("qstat", "-Q").out.splitlines()
    assert lines[0].split()[:7] == ["Name", "Users", "Groups", "MinTime", "MaxTime", "MaxRunning", "MaxQueued"]
    shown = {line.split()[0]: line.split()[3:7] for line in lines[2:]}
    wanted = {
        "theta": {
            "debug-cache-quad": ["None", "01:00:00", "1", "None"],
            "debug-flat-quad": ["None", "01:00:00", "1", "None"],
            "default": ["00:30:00", "24:00:00", "10", "20"],
        },
        "cooley": {"debug": ["None", "02:00:00", "1", "None"], "default": ["None", "12:00:00", "10", "30"]},
        "mira": {
            "prod-capability": ["00:05:00", "24:00:00", "None", "None"],
            "prod-long": ["00:05:00", "12:00:00", "None", "None"],
            "prod-short": ["00:05:00", "06:00:00", "None", "None"],
        },
        "cobalt": {"default": ["None", "None", "None", "None"]},
    }
    assert shown == wanted[site]


def test_node_hours_are_limited(tmp_path: Path) -> None:
    """Section 7: on Cooley those of all jobs in the queue."""
    bench = Bench(tmp_path, read_site("cooley", {}), nodes=126)
    assert bench.ask("qsub", "-n", "100", "-t", "12:00:00", "-A", "P", "sleep.sh").out == "1\n"
    answer = bench.ask("qsub", "-n", "100", "-t", "2:00:00", "-A", "P", "sleep.sh")
    assert "The limit of 1320 node hours per user in the 'default' queue has been reached" in answer.err


def test_a_walltime_of_0_is_that_of_the_queue(theta: Bench) -> None:
    """Section 2: the longest that the queue has."""
    theta.ask("qsub", "-n", "802", "-t", "0", "-A", "P", "sleep.sh")
    theta.wait(20)
    assert theta.job(1).walltime == 24 * 3600


@pytest.mark.parametrize(("text", "minutes"), [("20", 20), ("+10", 20), ("-4", 6), ("-40", 10)])
def test_a_walltime_may_be_changed_by_so_much(bench: Bench, text: str, minutes: int) -> None:
    """Section 4: +10 and -10 are relative."""
    bench.sub("-h")
    answer = bench.ask("qalter", "-t", text, "1")
    assert answer.out == (f"walltime changed from 10 to {minutes}\n" if minutes != 10 else "")
    assert bench.job(1).walltime == minutes * 60


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["-q", "default"], "1\n2\n"),
        (["-n", "2"], "2\n"),
        (["-A", "P"], "2\n"),
        (["-t", "10"], "1\n2\n"),
        (["-q", "other"], ""),
    ],
)
def test_qselect_finds_jobs(bench: Bench, words: list[str], shown: str) -> None:
    bench.sub("-h")
    bench.sub("-h", "-n", "2", "-A", "P")
    assert bench.ask("qselect", *words).out == shown


# ---------------------------------------------------------------- what else may happen


@pytest.mark.parametrize("do", [lambda bench, job: bench.cobalt.lose(bench.queue, job)])
def test_a_job_that_is_lost_leaves_no_trace(bench: Bench, do: Callable[[Bench, object], None]) -> None:
    bench.sub("sleep.sh", "1000")
    bench.wait(20)
    do(bench, bench.job(1))
    bench.wait(60)
    assert bench.states() == {}
    assert bench.killed == [1]
    assert bench.text("1.cobaltlog").endswith(f"Info: stderr sent to {bench.home}/1.error\n{stamp(bench)} \n")


def stamp(bench: Bench) -> str:
    return bench.text("1.cobaltlog").splitlines()[-1].rstrip()


def test_whether_a_job_can_start_some_day(bench: Bench) -> None:
    bench.sub("-h")
    bench.sub("--dependencies", "1")
    bench.sub("sleep.sh", "1000")
    bench.sub("--dependencies", "3")
    bench.sub("--dependencies", "4")
    bench.ask("qsub", "-n", "1", "-t", "10", "--dependencies", "99", "sleep.sh")
    bench.wait(20)
    can = {number: bench.cobalt.can_start(bench.queue, bench.job(number)) for number in (1, 2, 4, 5, 6)}
    assert can == {1: False, 2: False, 4: True, 5: True, 6: False}


WORDS = st.sampled_from(
    [
        *(
            "-n",
            "-t",
            "-q",
            "-A",
            "-h",
            "-O",
            "-o",
            "-l",
            "-f",
            "-lf",
            "-Q",
            "-u",
            "-i",
            "-nX",
            "-n4",
            "--dependencies",
        ),
        *(
            "--dep",
            "--env",
            "--attrs",
            "--header",
            "--sort",
            "--reverse",
            "--proccount",
            "--mode",
            "--cwd",
            "--jobname",
        ),
        *("sleep.sh", "directives.sh", "default", "alice", "1", "2", "1:2", "+5", "-5", "0", "10", "none", "None", ""),
        *("A=1:B=2", "x", "no_x", "a=b=c", "JobID:State", "S:", "State:Score", "script", "interactive", ":", "²", "--"),
        *("-", "99999999999999999999", "1:30", "::", "--help", "--version", "--de", "--run_users"),
    ]
)
COMMANDS = st.sampled_from(["qsub", "qstat", "qdel", "qalter", "qhold", "qrls", "qmove", "qselect"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([("qsub", ["-n", "²", "-t", "10", "sleep.sh"]), ("qalter", ["-n", "²", "1"]), ("qdel", ["²"])])
@given(st.lists(st.tuples(COMMANDS, st.lists(WORDS, max_size=7)), max_size=12))
def test_whatever_is_asked_there_is_an_answer(tmp_path: Path, lines: list[tuple[str, list[str]]]) -> None:
    bench = Bench(tmp_path, SITE)
    bench.sub()
    for name, words in lines:
        answer = bench.ask(name, *words)
        assert answer.status in {0, 1, 2}
        assert answer.status == 0 or answer.err or name == "qstat"
        bench.wait(7)
        used = [host for job in bench.queue.jobs.values() for host in job.hosts]
        assert len(used) == len(set(used))
