"""What a dry run says of a site: whole outputs, the rows of `--json`, and every mistake with both numbers."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from command import Command, Result

DOCKING = """\
target all: "ranking.csv"

rule dock:
    input: "proteins/{p}.pdb", "ligands/{c}.mol"
    output: "docked/{p}/{c}.sdf"
    cores: 4
    time: 1h
    retries: 1
    run: smina -r {input[0]} -l {input[1]} --cpu {cores} -o {output}

rule table:
    input: "docked/{p}/{c}.sdf" for each "ligands/{c}.mol"
    output: "tables/{p}.csv"
    time: 5m
    run: tabulate @{input!file} > {output}

rule relax:
    input: "tables/{p}.csv"
    output: "relaxed/{p}.nc"
    nodes: 32
    ranks_per_node: 64
    time: 30m
    run: {launch} ./relax --site {site} {input} {output}

rule rank:
    input: "relaxed/{p}.nc" for each "proteins/{p}.pdb"
    output: "ranking.csv"
    time: 5m
    run: rank {input} > {output}
"""


@pytest.fixture
def docking(command: Command) -> Command:
    """8 proteins and 1000 ligands: 8000 tasks that share nodes, 8 on whole ones."""
    command.wfile(DOCKING)
    command.sources(*(f"proteins/{p}.pdb" for p in "abcdefgh"), *(f"ligands/{c:04}.mol" for c in range(1000)))
    return command


PLAN = """\
512 nodes of theta
8017 tasks to run, 0 up to date
  dock   8000 of 8000  missing output: docked/a/0000.sdf, …
  table     8 of    8  missing output: tables/a.csv, …
  relax     8 of    8  missing output: relaxed/a.nc, …
  rank      1  missing output: ranking.csv
"""


def test_a_dry_run_on_theta_tells_all_that_one_signs(docking: Command) -> None:
    result = docking.say("-n", "--site", "theta", "-j", "512", "-A", "Dock", "--budget", "2000")
    assert (result.status, result.err) == (0, "")
    assert result.out.startswith(PLAN)
    assert result.out.removeprefix(PLAN) == SIGNED


SIGNED = """\

jobs
  JOB  QUEUE    NODES  WALLTIME  TASKS  NODE-HOURS  BEGINS   AFTER
  1    default    256  2h50m      8017         725  at once  -
  1 job
  ends 2h40m after the first begins, waits in queues not counted

node-hours
                      TASKS  EXPECTED  RESERVED  AT MOST
  dock                 8000       500               1000
  relax                   8       128                128
  table                   8     < 0.1              < 0.1
  rank                    1     < 0.1              < 0.1
  held, and not used             56.5
  in all               8017       685       725     1225
  budget                                   2000

time of a task
  dock         1h, assumed from `time`
  table, rank  5m, assumed from `time`
  relax        30m, assumed from `time`

good to know
  idle: 56.5 node-hours (8% of what is held), 21.2 of them in tails, after the
  last start
  launches: 265, at most 0.028 a second in a job; the pause of 0.1s allows 10;
  all nodes have begun after 26s
  files: at most 1000 in one folder, docked/a/

why
  256 nodes: ends soonest among the shapes that charge within 10 % of the least
  2h50m: the work ends after 2h40m; what starts last may take longer; 5m of
  margin

instead
  faster: 1 job of 512 nodes in default (--job-nodes 512), 213 more node-hours,
  ends 59m35s earlier

the first job
  8000 tasks of dock, first dock[p=a,c=0000]
  8 tasks of table, first table[p=a]
  8 tasks of relax, first relax[p=a]
  rank
  as a script:
    #!/bin/bash
    #COBALT -n 256
    #COBALT -t 170
    #COBALT -q default
    #COBALT -A Dock
    hpcmake --here --site theta -j 256

a command of each rule
  dock[p=a,c=0000]
    smina -r proteins/a.pdb -l ligands/0000.mol --cpu 4 -o docked/a/0000.sdf
  table[p=a]
    tabulate @.hpcmake/lists/table-0-0 > tables/a.csv
  relax[p=a]
    aprun -n 2048 -N 64 -d 1 -j 1 -cc depth -L NODES ./relax --site theta \\
        tables/a.csv relaxed/a.nc
  rank
    rank relaxed/a.nc relaxed/b.nc relaxed/c.nc relaxed/d.nc relaxed/e.nc \\
        relaxed/f.nc relaxed/g.nc relaxed/h.nc > ranking.csv
"""


def test_no_line_is_wider_than_a_terminal(docking: Command) -> None:
    for words in (["theta"], ["theta", "-j", "4000"], ["polaris", "--omit", "relax"], ["theta", "--trial"]):
        out = docking.say("-n", "--site", *words).out
        assert "node-hours" in out
        for line in out.splitlines():
            assert len(line) <= 80, line


def test_nothing_is_changed_and_nothing_submitted(docking: Command) -> None:
    before = docking.files()
    assert docking.say("-n", "--site", "theta").status == 0
    assert docking.files() == before
    assert not docking.exists(".hpcmake")


def test_what_is_up_to_date_needs_no_jobs(command: Command) -> None:
    command.wfile('target all: "a"\n\nrule r:\n    output: "a"\n    run: echo {site} > {output}\n')
    command.ok()
    result = command.say("-n", "--site", "theta")
    assert result.out == "nodes of theta\nnothing to do: 1 task is up to date\n"


# ---------------------------------------------------------------- as values


def rows_of(command: Command, *words: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, Any]]:
    """The batches, the jobs and the summary of a dry run."""
    result = command.say("-n", "--json", *words)
    assert result.status == 0, result
    kinds = [row["kind"] for row in result.rows]
    first = kinds.index("batch")
    assert set(kinds[:first]) <= {"task", "unknown"}
    assert set(kinds[first:-1]) == {"batch", "job"}
    return result.kind("batch"), result.kind("job"), result.summary


def test_batches_and_jobs_are_rows_between_tasks_and_summary(docking: Command) -> None:
    batches, jobs, summary = rows_of(docking, "--site", "theta", "-j", "512", "--budget", "2000")
    assert [(each["rule"], each["tasks"], each["first"]) for each in batches] == [
        ("dock", 8000, "dock[p=a,c=0000]"),
        ("table", 8, "table[p=a]"),
        ("relax", 8, "relax[p=a]"),
        ("rank", 1, "rank"),
    ]
    assert batches[0]["basis"] == "assumed"
    assert batches[0]["seconds"] == 3600
    assert [len(each["retries"]) for each in batches] == [1, 0, 0, 0]
    (job,) = jobs
    assert (job["nodes"], job["queue"], job["walltime"], job["after"], job["tasks"]) == (
        256,
        "default",
        10200,
        [],
        8017,
    )
    assert [(each["about"], each["kind"]) for each in job["grounds"]] == [("nodes", "cheap"), ("walltime", "work")]
    assert job["words"] == ["-n 256", "-t 170", "-q default", "-A PROJECT"]
    assert summary["stale"] == 8017
    assert (summary["site"], summary["nodes"], summary["jobs"], summary["waves"]) == ("theta", 512, 1, 1)
    assert summary["reserved"] == pytest.approx(256 * 10200 / 3600, abs=0.01)
    assert summary["expected"] <= summary["reserved"] <= summary["at_most"]
    assert (summary["budget"], summary["within_budget"]) == (2000, True)
    assert summary["files"] == {"folder": "docked/a", "count": 1000, "many": False}
    assert {each["how"] for each in summary["alternatives"]} == {"faster"}


def test_every_task_that_must_run_is_in_one_batch(docking: Command) -> None:
    for words in (["-j", "128"], ["-j", "512", "--job-time", "1h30m"], ["--job-nodes", "512"]):
        batches, jobs, summary = rows_of(docking, "--site", "theta", *words)
        assert sum(each["tasks"] for each in batches) == summary["stale"] == 8017
        assert sum(each["tasks"] for each in jobs) == 8017
        for job in jobs:
            assert all(number < job["job"] for number in job["after"])


def test_wishes_shape_the_jobs(docking: Command) -> None:
    _, jobs, _ = rows_of(docking, "--site", "theta", "--job-nodes", "384", "--job-time", "2h")
    assert {(job["nodes"], job["walltime"] <= 7200) for job in jobs} == {(384, True)}
    assert "asked" in {ground["kind"] for job in jobs for ground in job["grounds"]}


def test_what_earlier_runs_took_counts_more_than_time(command: Command) -> None:
    command.wfile("""\
        target all: "made/{x}" for x in 1..6

        rule make:
            output: "made/{x}"
            time: 1h
            run: touch {output}
        """)
    command.ok()
    batches, _, summary = rows_of(command, "-B", "--site", "theta")
    assert {each["basis"] for each in batches} == {"measured"}
    assert all(each["seconds"] < 60 for each in batches)
    assert summary["rules"][0]["time"].startswith("measured: 6 runs, ")


def test_a_trial_runs_one_task_of_each_rule_where_jobs_are_smallest(docking: Command) -> None:
    batches, jobs, summary = rows_of(docking, "--site", "theta", "--trial", "--omit", "relax", "tables/a.csv")
    assert [(each["rule"], each["tasks"]) for each in batches] == [("dock", 1), ("table", 1)]
    assert {(job["queue"], job["nodes"]) for job in jobs} == {("debug-cache-quad", 1)}
    assert summary["trial"] is True
    # the widest task does not fit there
    _, jobs, _ = rows_of(docking, "--site", "theta", "--trial")
    assert {(job["queue"], job["nodes"]) for job in jobs} == {("default", 128)}


def test_the_script_of_a_trial_asks_for_what_it_tries(docking: Command) -> None:
    """What makes a run try one task of each rule are its targets: options that shape jobs mean nothing inside one."""
    result = docking.say("-n", "--site", "theta", "--trial", "--omit", "relax", "-k", "-A", "Dock", "tables/a.csv")
    assert "    hpcmake --here --site theta -j 1 --omit relax -k docked/a/0000.sdf\n" in result.out
    assert ("  table: takes more than one task of each rule makes, and cannot be tried by it\n") in result.out


def test_tasks_of_a_trial_that_give_no_time_fit_into_one_job(command: Command) -> None:
    command.wfile("""\
        target all: "e"

        rule a:
            output: "a"
            run: touch {output}

        rule b:
            input: "a"
            output: "b"
            run: touch {output}

        rule c:
            input: "b"
            output: "c"
            time: 20m
            run: touch {output}

        rule d:
            input: "c"
            output: "d"
            run: touch {output}

        rule e:
            input: "d"
            output: "e"
            run: touch {output}
        """)
    result = command.say("-n", "--site", "theta", "--trial")
    assert "\n  1 job\n" in result.out
    assert "  a, b, d, e  none given: counted as 8m until runs are measured; `time` would\n" in result.out
    assert "    hpcmake --here --site theta -j 1 e\n" in result.out


def test_what_runs_where_the_work_is_driven_is_in_no_job(command: Command) -> None:
    command.wfile("""\
        target all: "sum"

        rule fetch:
            output: "data/{x}"
            site: "local"
            run: touch {output}

        rule sum:
            input: "data/{x}" for x in 1..3
            output: "sum"
            time: 10m
            run: touch {output}
        """)
    batches, _, summary = rows_of(command, "--site", "theta")
    assert [each["rule"] for each in batches] == ["sum"]
    assert summary["elsewhere"] == {"fetch": 3}
    said = "fetch: 3 tasks outside of jobs, where the work is driven (`site: local`)"
    assert said in command.say("-n", "--site", "theta").out


def test_what_is_known_only_later_is_said_to_be_left_out(command: Command) -> None:
    command.wfile("""\
        target all: "done/{i}" for each "found/{i}"

        rule find:
            produces: "found/{i}"
            time: 5m
            run: touch found/1

        rule use:
            input: "found/{i}"
            output: "done/{i}"
            run: touch {output}
        """)
    out = command.say("-n", "--site", "theta").out
    assert "known only when find has run: all, use\n" in out
    assert "  not counted: what is known only when find ran; it is packed then\n" in out


def test_legs_follow_each_other_and_wide_jobs_may_last_longer(command: Command) -> None:
    """128 nodes for 6 h fit no job of 128 nodes on theta, where those end after 3 h; two side by side do."""
    command.wfile("""\
        target all: "runs/{m}/leg2.nc" for m in 1..2

        rule leg:
            let before = int(k) - 1
            input: "runs/{m}/leg{before}.nc" if before > 0 else "init"
            output: "runs/{m}/leg{k}.nc"
            nodes: 128
            time: 5h30m
            run: {launch} ./ocean {input} {output}
        """)
    command.sources("init")
    batches, jobs, _ = rows_of(command, "--site", "theta", "-j", "256")
    assert [(each["tasks"], each["first"]) for each in batches] == [(2, "leg[m=1,k=1]"), (2, "leg[m=1,k=2]")]
    assert [(job["nodes"], job["after"]) for job in jobs] == [(256, []), (256, [1])]


def test_what_all_jobs_wait_for_is_in_a_job_of_its_own(command: Command) -> None:
    """Jobs begin when the ones before have ended, so a first short task is not put together with hours of others."""
    command.wfile("""\
        target all: "out/{x}" for x in 1..20000

        rule version:
            output: "version"
            time: 1m
            run: ./dock --version > {output}

        rule dock:
            input: order "version"
            output: "out/{x}"
            time: 10m
            run: ./dock > {output}
        """)
    result = command.say("-n", "--site", "polaris", "-j", "400")
    _, jobs, _ = rows_of(command, "--site", "polaris", "-j", "400")
    first, *others = jobs
    assert (first["tasks"], first["nodes"], first["after"]) == (1, 1, [])
    assert {(job["begins"], tuple(job["after"])) for job in others} == {(60, (1,))}
    assert sum(job["tasks"] for job in others) == 20_000
    assert "first: `version` alone: other jobs wait for it, and begin when this" in result.out
    said = " ".join(result.out.split())
    assert (
        "job 1 is for `version` alone: with `site: local` it would run where the work is driven, "
        "and the others begin at once"
    ) in said


def test_a_script_has_the_words_of_the_command_line_that_are_not_about_jobs(docking: Command) -> None:
    words = [
        "-C",
        ".",
        "--retries",
        "3",
        "-o",
        "proteins/a.pdb",
        "-B",
        "--budget",
        "9000",
        "--job-time",
        "2h",
        "tables/a.csv",
    ]
    line = next(
        line for line in docking.say("-n", "--site", "theta", *words).out.splitlines() if "hpcmake --here" in line
    )
    assert line.split() == (
        "hpcmake --here --site theta -j 128 -C . -o proteins/a.pdb --retries 3 -B tables/a.csv".split()
    )


@pytest.mark.parametrize("budget", ["700", "1000", "2000"])
def test_a_budget_that_would_be_passed_is_told(docking: Command, budget: str) -> None:
    result = docking.say("-n", "--site", "theta", "-j", "512", "--budget", budget)
    told = {
        "700": "  THE BUDGET IS PASSED by 25.3 node-hours: not even the first job stays within it\n",
        "1000": "  within the budget, but not if every retry is spent\n",
        "2000": "",
    }[budget]
    assert told in result.out
    assert ("BUDGET IS PASSED" in result.out) == (budget == "700")
    assert result.status == (3 if budget == "700" else 0)


def test_the_budget_of_the_site_file_counts_as_well(docking: Command) -> None:
    docking.write("sites/theta.toml", "budget = 600\n")
    assert "not even the first job stays within it" in docking.say("-n", "--site", "theta", "--budget", "900").out


def test_a_site_is_named_by_the_environment_too(docking: Command) -> None:
    result = docking.say("-n", "-j", "512", env={"HPCMAKE_SITE": "theta"})
    assert result.out.startswith("512 nodes of theta\n")


def test_launches_that_nodes_wait_for_and_crowded_folders_are_told(command: Command) -> None:
    command.wfile("""\
        target all: "out/{x}" for x in 1..21000

        rule one:
            output: "out/{x}"
            nodes: 1
            time: 1m
            run: {launch} ./one > {output}
        """)
    command.write("sites/theta.toml", '[launch]\npause = "2s"\n')
    out = command.say("-n", "--site", "theta", "--job-nodes", "128").out
    assert re.search(r"a second in a job; the pause of 2s allows 0\.5;", out)
    assert re.search(r"launch-bound: nodes wait \d+% of the time for\s+that pause", out)
    assert (
        "  files: at most 21000 in one folder, out/\n"
        "         that is slow on file systems that many nodes share: put a wildcard into\n"
        "         its folder\n"
    ) in out


@pytest.mark.parametrize("words", [["-j", "128"], ["-j", "600"], ["--job-nodes", "256"], ["--job-time", "1h30m"]])
def test_reserved_is_what_is_charged_and_expected_is_less(docking: Command, words: list[str]) -> None:
    _, jobs, summary = rows_of(docking, "--site", "theta", *words)
    assert summary["reserved"] == pytest.approx(
        sum(job["charged_nodes"] * job["walltime"] / 3600 for job in jobs), rel=1e-3
    )
    assert summary["expected"] <= summary["reserved"] <= summary["at_most"]
    for job in jobs:
        assert job["charged_nodes"] >= max(128, job["nodes"])
        assert job["walltime"] >= 1800
        assert job["seconds"] <= job["walltime"]


# ---------------------------------------------------------------- mistakes


def told(result: Result) -> str:
    assert (result.status, result.out) == (2, ""), result
    return result.err


TOO_MUCH = """\
rule score:
    output: "score/{x}"
    cores: 68
    run: touch {output}

rule big:
    output: "big"
    memory: 120GiB * attempt
    retries: 2
    run: touch {output}

rule sim:
    output: "sim/{m}"
    nodes: 5000
    time: 1h
    run: {launch} ./sim > {output}

rule only:
    output: "only"
    site: ["mira", "cetus"]
    run: touch {output}

rule fast:
    output: "fast"
    queue: "defalt"
    run: touch {output}

rule long:
    output: "long"
    nodes: 128
    time: 25h
    run: {launch} ./x > {output}
"""

REFUSED = """\
$ score/1
error[E503]: score[x=1] wants 68 cores, and the largest node of theta has 64
 --> Wfile:3:12
3 |     cores: 68
  |            ^^
  = help: ask for less, or run it on another site; `hpcmake sites theta` has the numbers
$ sim/1 sim/2 sim/3
error[E503]: sim[m=1] wants 5000 nodes, and the largest job of theta has 4100
  --> Wfile:14:12
14 |     nodes: 5000
   |            ^^^^ and so do 2 more tasks of `sim`
   = help: ask for less, or run it on another site; `hpcmake sites theta` has the numbers
$ big
error[E503]: big, attempt 2, wants 240 GiB of memory, and the largest node of theta has 178.81 GiB
 --> Wfile:8:13
8 |     memory: 120GiB * attempt
  |             ^^^^^^^^^^^^^^^^
  = help: ask for less, or run it on another site; `hpcmake sites theta` has the numbers
$ only
error[E506]: rule `only` may run on mira, cetus only, and not on theta
  --> Wfile:20:11
20 |     site: ["mira", "cetus"]
   |           ^^^^^^^^^^^^^^^^^
   = help: add `theta` to its `site`, or leave the rule out: `--omit only`
$ fast
error[E509]: fast asks for the queue `defalt`, which theta does not have
  --> Wfile:25:12
25 |     queue: "defalt"
   |            ^^^^^^^^
   = help: did you mean `default`?
$ long
error[E507]: long takes 1d1h on 128 nodes, and no queue of theta gives that
  --> Wfile:31:11
31 |     time: 25h
   |           ^^^
   = help: give it a shorter `time`, or more nodes; queues give
   =         default: 128-255 nodes 3h, 256-383 nodes 6h, 384-639 nodes 9h, 640-801 nodes 12h, 802-4100 nodes 1d
$ long --job-time 2h
error[E507]: long takes 1d1h on 128 nodes, and `--job-time 2h` gives no job so much beside its margin
  --> Wfile:31:11
31 |     time: 25h
   |           ^^^
   = help: leave `--job-time` out, or say more
$ sim/1 -j 256
error[E503]: sim[m=1] wants 5000 nodes, and `-j 256` allows 256
  --> Wfile:14:12
14 |     nodes: 5000
   |            ^^^^
   = help: leave `-j` out, or say `-j 5000`
$ score/1 -j 5000
error[E816]: `-j 5000` is more nodes than there are: theta has 4392
 --> the command line:1:1
1 | -j 5000
  | ^^^^^^^
  = help: ask for fewer
$ score/1 --job-nodes 4200
error[E816]: a job of 4200 nodes is more than any queue takes: the largest job of theta has 4100
 --> the command line:1:1
1 | --job-nodes 4200
  | ^^^^^^^^^^^^^^^^
  = help: ask for fewer
$ score/1 --queue defalt
error[E816]: theta has no queue `defalt`
 --> the command line:1:1
1 | --queue defalt
  | ^^^^^^^^^^^^^^
  = help: did you mean `default`?
$ score/1 --queue default --job-time 10m
error[E816]: a job of 10m is shorter than any queue takes: the shortest job of theta has 30m
 --> the command line:1:1
1 | --job-time 10m
  | ^^^^^^^^^^^^^^
  = help: ask for more
"""
MISTAKES = dict(each.split("\n", 1) for each in REFUSED.split("$ ")[1:])


@pytest.mark.parametrize("typed", MISTAKES)
def test_what_a_site_cannot_run_is_told_with_both_numbers(command: Command, typed: str) -> None:
    command.write("Wfile", TOO_MUCH)
    assert told(command.say("-n", "--site", "theta", *typed.split())) == MISTAKES[typed]


def test_all_that_cannot_run_is_told_at_once(command: Command) -> None:
    command.write("Wfile", TOO_MUCH)
    err = told(command.say("-n", "--site", "theta", "score/1", "sim/1", "big", "fast", "long"))
    assert [line.partition("]")[0] for line in err.splitlines() if line.startswith("error")] == [
        "error[E503",
        "error[E503",
        "error[E503",
        "error[E509",
        "error[E507",
    ]


def test_nodes_that_start_one_program_only_take_no_tasks_that_share_them(command: Command) -> None:
    command.wfile('target all: "a"\n\nrule r:\n    output: "a"\n    cores: 4\n    run: touch {output}\n')
    assert told(command.say("-n", "--site", "mira")) == (
        "error[E508]: r shares a node, and the nodes of mira start one program only, and no shell\n"
        " --> Wfile:5:12\n"
        "5 |     cores: 4\n"
        "  |            ^\n"
        "  = help: give `r` `nodes` or `ranks`, or run it elsewhere: `site: local`\n"
    )


def test_a_site_without_queues_is_described_first(command: Command) -> None:
    command.wfile('target all: "a"\n\nrule r:\n    output: "a"\n    run: touch {output}\n')
    assert told(command.say("-n", "--site", "slurm")).startswith(
        "error[E911]: the site slurm does not say `queue`, which is needed to plan jobs\n"
    )


def test_limits_of_this_machine_are_none_of_a_site(command: Command) -> None:
    command.wfile('target all: "a"\n\nrule r:\n    output: "a"\n    gpus: 4\n    time: 5m\n    run: touch {output}\n')
    assert command.say("-n", "--site", "polaris", "-j", "10").status == 0
    assert "this machine has" in told(command.say("-n"))


def test_a_row_of_each_kind_is_json(docking: Command) -> None:
    for line in docking.say("-n", "--json", "--site", "theta").out.splitlines():
        assert "kind" in json.loads(line)


# ---------------------------------------------------------------- inside a job


def in_a_job(seconds: int) -> dict[str, str]:
    """The environment of a job of Cobalt on four nodes of Theta, of which so many seconds are left."""
    return {
        "COBALT_JOBID": "77",
        "COBALT_PARTNAME": "3826-3829",
        "COBALT_PARTSIZE": "4",
        "COBALT_STARTTIME": "1",
        "COBALT_ENDTIME": str(int(time.time()) + seconds),
    }


def test_in_a_job_a_dry_run_tells_what_its_nodes_would_run(docking: Command) -> None:
    result = docking.say("-n", "--site", "theta", "--here", env=in_a_job(9000))
    assert (result.status, result.err) == (0, "")
    head, _, rest = result.out.partition("\n\n")
    assert head.splitlines()[0] == "4 nodes of theta"
    assert rest.replace("2h30m left", "2h29m left") == (
        "this job\n"
        "  job 77 of Cobalt: 4 nodes, nid[03826-03829], 2h29m left\n"
        "  128 of 8017 tasks begin here; the last one ends after 2h\n"
        "  100% of the node-time until then is used\n"
        "  relax (8 tasks) wants 32 nodes, and 4 are used: it does not run here\n"
        "  dock: 7872 tasks left for another job\n"
        "  table: 8 tasks left for another job\n"
        "  rank: 1 task left for another job\n"
        "\n"
        "time of a task\n"
        "  dock         1h, assumed from `time`\n"
        "  table, rank  5m, assumed from `time`\n"
        "  relax        30m, assumed from `time`\n"
    )


def test_in_a_job_the_same_is_told_as_values(docking: Command) -> None:
    result = docking.say("-n", "--site", "theta", "--json", "-j", "2", env=in_a_job(5000))
    batches, (job,) = result.kind("batch"), result.kind("job")
    assert [(each["rule"], each["tasks"], each["begun"], each["fits"]) for each in batches] == [
        ("dock", 8000, 32, True),
        ("table", 8, 0, True),
        ("relax", 8, 0, False),
        ("rank", 1, 0, True),
    ]
    assert (job["job"], job["here"], job["nodes"], job["held"], job["tasks"]) == ("77", True, 2, 4, 32)


def test_in_a_job_jobs_can_be_planned_as_well(docking: Command) -> None:
    result = docking.say("-n", "--site", "theta", "--submit", "-j", "512", env=in_a_job(9000))
    assert result.out.startswith("512 nodes of theta\n")


def test_outside_of_a_job_there_is_none_to_run_in(docking: Command) -> None:
    assert told(docking.say("-n", "--site", "theta", "--here")).startswith(
        "error[E817]: this is no job of theta: nothing in the environment tells of one\n"
    )
