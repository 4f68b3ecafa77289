"""A plan is written as a batch, and what a job reads there is what the planner would have said."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from batches import Batch, Race, batch_of
from campaigns import Campaign
from wfiles import DOCKING, LEGS

from hpcmake.diagnostics import Trouble
from hpcmake.planner import batch_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

CHEMISTRY = {f"proteins/p{n}.pdb": "" for n in range(3)} | {f"ligands/l{n}.mol2": "" for n in range(4)}

ONE = """\
target all: "out/{{k}}.txt" for k in [{keys}]
rule r:
    input: "in/{{k}}.txt"
    output: "out/{{k}}.txt"
{attributes}
"""
IN = ["in/a.txt", "in/b.txt", "in/it's.txt", "in/c.txt"]


def one(attributes: str, keys: str = '"a", "b", "it\'s"') -> str:
    """Return a Wfile of one rule with these attributes."""
    return ONE.format(attributes=attributes, keys=keys)


FEATURES = {
    "words without a shell": "    run: cp {input} {output}",
    "a redirection": "    run: sort {input} > {output}",
    "several lines": "    run:\n        cp {input} {output}\n        echo '{wildcards.k}' \"{k}\" >> {output}",
    "a log": '    log: "logs/{k}.log"\n    run: cp {input} {output}',
    "a working folder": '    workdir: "work/{k}"\n    run: cp {input} {output}',
    "an environment": '    env:\n        A = "1"\n        K = "x {k}"\n    run: cp {input} {output}',
    "a post": "    run: cp {input} {output}\n    post: wc {output} {input}",
    "an interpreter": "    run python3 -u:\n        print({input}, {output}, {k})",
    "an interpreter in a folder": '    workdir: "w{k}"\n    run python3:\n        print({input})',
    "a list in a file": "    run: xargs -a {input!file} cat > {output}",
    "a list in a file, from a folder": '    workdir: "w/{k}"\n    run: xargs -a {input!file} cat > {output}',
    "raw text": "    run: echo {k!r} > {output}",
    "a here-document": "    run:\n        cat > {output} <<END\n        {input} $HOME\n        END",
    "nodes": "    nodes: 2\n    ranks_per_node: 4\n    run: {launch} ./a {ranks} {input} > {output}",
    "options of the launcher": '    ranks: 8\n    launch_options: "-d", "{k}"\n    run: {launch} ./a > {output}',
    "cores and memory": "    cores: 4\n    memory: 2GiB\n    gpus: 1\n    time: 5m\n    run: a {cores} {memory} {output}",
    "retries": "    retries: 2\n    run: cp {input} {output}",
    "retries that take more": "    retries: 4\n    memory: 1GiB * attempt\n    run: a {memory.MiB} {attempt} {output}",
    "a time that grows": "    retries: 1\n    time: 10m * attempt\n    run: cp {input} {output}",
    "retries of some": '    retries: 3 if k == "a" else 0\n    memory: 1GiB * attempt\n    run: a {memory} {output}',
    "a priority": '    priority: 5 if k == "b" else 0\n    run: cp {input} {output}',
    "at once": "    at_once: 1\n    run: cp {input} {output}",
    "a depfile": '    depfile: "{k}.d"\n    run: cc -MF {depfile} {input} -o {output}',
    "a value of its own": '    let v = [k, "x"]\n    run: echo {v} {v[0]} > {output}',
}


@pytest.mark.parametrize("attributes", FEATURES.values(), ids=FEATURES)
def test_attempts_are_those_of_the_planner(attributes: str) -> None:
    batch = batch_of(one(attributes), IN)
    assert batch.check_attempts() >= 3
    assert sorted(Race(batch).run()) == ["r[k=a]", "r[k=b]", "r[k=it's]"]


@pytest.mark.parametrize("attributes", FEATURES.values(), ids=FEATURES)
def test_rows_by_columns_are_those_of_single_tasks(attributes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    campaign = Campaign(one(attributes, keys='"a", "b", "c"'), IN)
    found = []
    for few in (10_000, 0):
        monkeypatch.setattr(batch_columns, "_FEW", few)
        batch = Batch(campaign, tried="r[k=b]")
        batch.check_attempts()
        assert batch.find("r[k=b]")[0].told(1, "tried") == 1
        found.append(batch.table("r"))
    assert found[0] == found[1]


@pytest.mark.parametrize("retries", [0, 3])
def test_retries_hold_for_rules_that_do_not_say(retries: int) -> None:
    batch = batch_of(one("    run: cp {input} {output}"), IN, retries=retries)
    assert batch.check_attempts() == 3 * (retries + 1)


MODIFIERS = """\
target all: "all.txt"
rule mark:
    input: "s{i}"
    output: touch "mark/{i}"
rule temp:
    input: order "s{i}"
    output: temp "tmp/{i}", protect "kept/{i}", folder = "d{i}/"
    run: make {output} {folder}
rule all:
    input:
        marks = "mark/{i}" for i in 1..3
        temps = "tmp/{i}" for i in 1..3
        order "kept/1"
    output: "all.txt"
    run: cat {temps} {marks} > {output}; echo "{input}"
"""


def test_outputs_and_inputs_keep_what_they_are() -> None:
    batch = batch_of(MODIFIERS, ["s1", "s2", "s3"])
    assert batch.check_attempts() == 7
    names = [str(table.rule.name) for table in batch.job.graph.tables]
    assert names == ["mark", "temp", "all"]
    mark, temp, every = batch.job.graph.tables
    assert [(each.temp, each.protect, each.touch) for each in temp.rule.outputs] == [
        (True, False, False), (False, True, False), (False, False, False),
    ]  # fmt: skip
    assert mark.rule.run is None
    assert mark.rule.outputs[0].touch
    assert [item.order for item in every.rule.inputs] == [False, False, True]
    assert len(Race(batch).run()) == 7


PRODUCES = """\
target all: "list/{k}" for k in ["a", "b"]
rule make:
    output: "list/{k}"
    produces: "parts/{k}/{i}.dat"
    run: split {k}
    post: ls {produced} > {output}; count {produced!file}
"""


def test_what_a_post_says_of_what_was_produced_is_put_in_when_it_is_known() -> None:
    batch = batch_of(PRODUCES)
    assert batch.check_attempts() == 2
    _, before = batch.pair("make[k=a]")
    assert (before.post, before.outputs) == ("", ())
    _, behind = batch.pair("make[k=a]", only_post=True, produced=["parts/a/1.dat", "it's"])
    assert "ls parts/a/1.dat 'it'\\''s' > list/a" in behind.post
    assert "<list 0: ['parts/a/1.dat', \"it's\"]>" in behind.post
    assert behind.argv is None
    assert behind.outputs == ("list/a",)


def test_a_post_that_would_need_a_planner_is_told_before_it_is_submitted() -> None:
    with pytest.raises(Trouble) as caught:
        batch_of(PRODUCES.replace("ls {produced}", 'echo "{produced}"'))
    (found,) = caught.value.diagnostics
    assert found.code == "E510"
    assert found.message == "`post` of rule `make` takes `produced` otherwise than as words, and a job cannot plan"
    assert found.help == ("write `{produced}` outside of quotes, or `{produced!file}`; or run it here, or inside a job")


ODD = [
    "a b",
    "c'd",
    'e"f',
    "g\\h",
    "$HOME",
    "*",
    "é",
    "日本",
    "\udcff\udc80",
    "-x",
    "u00e9",
    "\n",
    "%s",
    "{x}",
    "1",
    "0",
]


@pytest.mark.parametrize("post", ["for f in {produced}; do echo $f; done", "x $(cat {produced})", "y {produced!file}"])
def test_a_post_takes_what_was_produced_as_words(post: str) -> None:
    batch = batch_of(PRODUCES.replace("ls {produced}", post))
    assert batch.check_attempts() == 2


@pytest.mark.parametrize("name", ODD, ids=ascii)
def test_any_name_travels(name: str) -> None:
    files = {f"in/{name}.txt": "", "in/z.txt": ""}
    wfile = (
        'target all: "out/{k}.txt" for each "in/{k}.txt"\n'
        'rule r:\n    input: "in/{k}.txt"\n    output: "out/{k}.txt"\n    log: "l/{k}"\n'
        "    run: cp {input} \"{output}\" '{k}' $(echo {k})\n"
        "    post: cat {input!file}\n"
    )
    batch = batch_of(wfile, files)
    assert batch.check_attempts() == 2
    batch.raw.decode("ascii")


@pytest.mark.parametrize("wfile", [DOCKING, LEGS], ids=["docking", "legs"])
def test_the_engine_decides_alike_over_a_batch_and_over_its_plan(wfile: str) -> None:
    files = CHEMISTRY if wfile is DOCKING else [f"init/{m:02}.nc" for m in range(1, 8)]
    batch = batch_of(wfile.replace("1..50", "1..7"), files)
    if wfile is DOCKING:
        assert batch.check_attempts() == 12 * 3 + 3 + 1
    story = Race(batch).run(at_once=7, order=lambda count: (count * 5 + 3) % count)
    assert len(story) == (16 if wfile is DOCKING else 70)


def test_what_has_waited_longest_behind_it_goes_first_within_a_rule_too() -> None:
    # those of the member that is behind are more urgent, as the plan knows
    batch = batch_of(LEGS.replace("1..50", "1..4"), [f"init/{m:02}.nc" for m in range(1, 5)])
    story = Race(batch).run(at_once=1)
    assert story[:3] == ["leg[m=01,k=1]", "leg[m=02,k=1]", "leg[m=03,k=1]"]


# ---------------------------------------------------------------- what may be left out


def test_a_file_that_is_given_up_is_left_out_of_commands_and_lists() -> None:
    batch = batch_of(DOCKING, CHEMISTRY)
    story = Race(batch).run(fail=["dock[p=p1,c=l2]", "dock[p=p0,c=l0]", "dock[p=p0,c=l3]"])
    assert "summary" in story
    _, attempt = batch.pair("score[p=p0]")
    assert "<list 0: ['docked/p0/l1.sdf', 'docked/p0/l2.sdf']>" in attempt.script


MAYBE = """\
target all: "all.txt"
rule a:
    output: "a/{i}"
    run: a > {output}
rule b:
    input: "a/{i}"
    output: "b/{i}"
    run: b {input} > {output}
rule all:
    input:
        order "s"
        one = maybe "a/1"
        many = maybe "b/{i}" for i in 1..3
    output: "all.txt"
COMMAND
"""


@pytest.mark.parametrize(
    "command",
    [
        "    run: cat {many} {one} {input} > {output}",
        "    run: cat x {many}",
        "    run: cat {many}; cat {one} -o {output}",
        '    workdir: "w"\n    run: cat {many} > {output} {one}',
        "    run: cat {input!file} {many!file} {one!file}\n    post: wc {input} {one}",
        '    workdir: "w/w"\n    run: cat {input!file} {many!file}\n    post: wc {many!file}',
    ],
)
@pytest.mark.parametrize("fail", [["a[i=1]"], ["b[i=2]"], ["a[i=1]", "a[i=2]", "b[i=3]"]])
def test_what_is_given_up_takes_its_takers_along_and_is_left_out(command: str, fail: list[str]) -> None:
    batch = batch_of(MAYBE.replace("COMMAND", command), ["s"])
    story = Race(batch).run(fail=fail)
    assert story[-1] == "all"
    assert not batch.find("all")[0].told(0, "fix")


FIXED = [
    "    run: cat -a{many}b",
    '    run: echo "{many}" > {output}',
    "    run python3:\n        print({many})",
    "    run: cp {many[0]} {output}; x {many}",
]


@pytest.mark.parametrize("command", FIXED)
def test_a_command_that_cannot_leave_a_file_out_waits_for_a_planner(command: str) -> None:
    batch = batch_of(MAYBE.replace("COMMAND", command), ["s"])
    assert batch.check_attempts() == 7
    engine = batch.engine(batch.job, batch.job_attempts)
    while engine.has_ready:
        for task in engine.next_tasks(10):
            assert engine.name(task) != "all"
            engine.on_done(task)
    assert [engine.name(task) for task in engine.left()] == ["all"]


@pytest.mark.parametrize("command", FIXED)
def test_and_runs_in_a_later_batch(command: str) -> None:
    campaign = Campaign(MAYBE.replace("COMMAND", command), ["s"])
    assert campaign.run(fail=["b[i=2]"], only=6) == ["a[i=1]", "a[i=2]", "a[i=3]", "b[i=1]", "b[i=2]", "b[i=3]"]
    batch = Batch(campaign)
    assert [table.name(row) for table, row in batch.tasks] == ["all"]
    assert batch.check_attempts() == 1
    assert Race(batch).run() == ["all"]


# ---------------------------------------------------------------- what was


def test_why_a_task_runs_is_told_as_the_plan_does() -> None:
    campaign = Campaign(DOCKING, CHEMISTRY)
    campaign.run()
    campaign.tree.touch("proteins/p1.pdb")
    campaign.tree.remove("docked/p0/l0.sdf")
    campaign.wfile = campaign.wfile.replace("cat {input} >", "cat -v {input} >")
    batch = Batch(campaign)
    assert len(batch.tasks) == 4 + 1 + 2 + 1
    for table, row in batch.tasks:
        assert batch.job.judge.explain(*batch.find(table.name(row))) == batch.plan.judge.explain(table, row)


def test_an_early_cut_off_is_found_in_the_job() -> None:
    campaign = Campaign(DOCKING, CHEMISTRY)
    campaign.run()
    campaign.tree.touch("proteins/p1.pdb")
    batch = Batch(campaign)
    race = Race(batch)
    # the docked files of p1 come out as they were
    for path in [path for path in campaign.tree.files if path.startswith("docked/p1")]:
        batch.plan.stamps.put(batch.plan.graph.files.index[path], campaign.tree._stamp(path))
    names = race.hand_out(9)
    assert names == [f"dock[p=p1,c=l{n}]" for n in range(4)]
    for one, two in race.running:
        for engine, task in zip(race.engines, (one, two), strict=True):
            engine.on_done(task)
    race.check()
    assert race.engines[1].is_over
    assert race.engines[1].left() == []


DEPFILE = """\
target all: "prog"
rule header:
    input: "spec"
    output: "gen.h"
    run: gen {input} > {output}
rule object:
    input: "main.c", order "gen.h"
    output: "main.o"
    depfile: "main.d"
    run: cc {input} -o {output}
rule link:
    input: "main.o"
    output: "prog"
    run: ld {input} -o {output}
"""


def test_what_only_a_depfile_names_makes_a_task_stale_in_the_job_too() -> None:
    campaign = Campaign(DEPFILE, ["spec", "main.c"])
    campaign.depends["object"] = ["gen.h", "sys.h"]
    campaign.tree.write("sys.h")
    campaign.run()
    assert campaign.stale() == {}
    campaign.tree.touch("spec")
    assert Race(Batch(campaign)).run() == ["header", "object", "link"]


@pytest.mark.parametrize("many", [10, 30])
def test_a_set_that_many_share_is_written_once(many: int) -> None:
    wfile = (
        f'target all: "out/{{n}}" for n in 1..{many}\n'
        f'rule make:\n    output: "in/{{m}}"\n    run: make {{output}}\n'
        f'rule take:\n    input: "in/{{m}}" for m in 1..{many}\n    output: "out/{{n}}"\n'
        f"    run: cat @{{input!file}} > {{output}}\n"
    )
    campaign = Campaign(wfile)
    campaign.run()
    again = Batch(campaign, always=True)
    first = batch_of(wfile)
    for batch, records in ((first, 0), (again, 2 * many + 1)):
        assert len(batch.kind("group")) == 1
        assert len(batch.kind("past")) == records
        assert sum(len(record["rows"]) for record in batch.kind("tasks")) == 2 * many
        assert batch.check_attempts() == 2 * many
    assert len(first.raw) < 3000 + 60 * many
    assert len(again.raw) < 6000 + 600 * many


def test_a_row_of_docking_is_short() -> None:
    files = {f"proteins/p{n}.pdb": "" for n in range(20)} | {f"ligands/ZINC{n:06}.mol2": "" for n in range(100)}
    batch = batch_of(DOCKING, files, only=lambda name: name.startswith("dock"))
    rows = [row for record in batch.kind("tasks") for row in record["rows"]]
    assert len(rows) == 2000
    longest = max(len(json.dumps(row, separators=(",", ":"))) for row in rows)
    assert longest <= len('[["p19","ZINC000099"],[2020,200],[2119],2]')
    # with its file's path, and nothing else
    assert len(batch.raw) < 2000 * 75 + 12_000


# ---------------------------------------------------------------- what other jobs make


def test_what_another_job_makes_is_awaited() -> None:
    batch = batch_of(DOCKING, CHEMISTRY, only=lambda name: not name.startswith("dock[p=p0"))
    engine = batch.engine(batch.job, batch.job_attempts)
    ran = []
    while engine.has_ready:
        for task in engine.next_tasks(10):
            ran.append(engine.name(task))
            engine.on_done(task)
    assert sorted(name for name in ran if not name.startswith("dock")) == ["score[p=p1]", "score[p=p2]"]
    mine = [engine.name(task) for task in engine.left() if not engine.name(task).startswith("elsewhere")]
    assert sorted(mine) == ["score[p=p0]", "summary"]


def record_of(task: str, path: str, stamp: tuple[int, int], **more: Any) -> Mapping[str, Any]:
    """Return a success as another job records it."""
    return {"k": "ok", "t": task, "c": "x", "in": [], "out": [[path, *stamp]], **more}


def test_what_another_job_has_recorded_is_there() -> None:
    batch = batch_of(DOCKING, CHEMISTRY, only=lambda name: not name.startswith("dock[p=p0"))
    found = [(f"dock[p=p0,c=l{n}]", f"docked/p0/l{n}.sdf") for n in range(4)]
    batch.job.know([record_of(task, path, (5, 5)) for task, path in found[:3]])
    batch.job.know([{"k": "gave up", "t": found[3][0], "c": "x", "why": "exit", "rc": 1}])
    engine = batch.engine(batch.job, batch.job_attempts)
    ran = []
    while engine.has_ready:
        for task in engine.next_tasks(10):
            ran.append(engine.name(task))
            engine.on_done(task)
    assert engine.left() == []
    assert ran[-1] == "summary"
    place: Any = batch.find("score[p=p0]")
    batch.job_attempts.lists.clear()
    batch.job_attempts.make(*place, id=1, number=1)
    assert batch.job_attempts.lists[0][1] == [path for _, path in found[:3]]
    assert batch.job.stamps.stamp(batch.job.graph.files.index[found[0][1]]) == (5, 5)


def test_what_counts_as_the_same_file_does_so_in_other_jobs() -> None:
    wfile = (
        'target all: "c"\n'
        'rule a:\n    input: "s"\n    output: temp "a"\n    run: a {input} > {output}\n'
        'rule b:\n    input: "a", "t"\n    output: "b"\n    run: b {input} > {output}\n'
        'rule c:\n    input: "b", "a"\n    output: "c"\n    run: c {input} > {output}\n'
    )
    campaign = Campaign(wfile, ["s", "t"])
    campaign.run()
    stamp = campaign.tree._stamp("a")
    assert stamp is not None
    batch = Batch(campaign, only=lambda name: name != "a", always=True)
    batch.job.know([record_of("a", "a", (99, 9), **{"as": {"a": list(stamp)}})])
    assert batch.job.stamps.stamp(batch.job.graph.files.index["a"]) == stamp


def test_files_of_a_produces_that_are_wanted_by_name_come_from_other_jobs_too() -> None:
    wfile = (
        'target all: "out/2"\n'
        'rule make:\n    produces: "in/{i}"\n    run: make\n'
        'rule take:\n    input: "in/2"\n    output: "out/2"\n    run: cp {input} {output}\n'
    )
    batch = batch_of(wfile, only=lambda name: name == "take")
    batch.job.know([{"k": "ok", "t": "make", "c": "x", "in": [], "out": [], "prod": [["in/1", 1, 1], ["in/2", 2, 2]]}])
    engine = batch.engine(batch.job, batch.job_attempts)
    assert [engine.name(task) for task in engine.next_tasks(5)] == ["take"]


# ---------------------------------------------------------------- pieces that come later


def test_a_batch_grows_by_pieces() -> None:
    batch = batch_of(DOCKING.replace("retries: 2", "at_once: 2"), CHEMISTRY, only=lambda name: "p=p0" in name)
    engine = batch.engine(batch.job, batch.job_attempts)
    assert len(engine.next_tasks(10)) == 2
    rest = [(table, row) for table, row in batch.plan.stale_in_order() if "p=p0" not in table.name(row)]
    rows = batch.give(rest)
    batch.tasks += rest
    engine.grow(rows)
    batch.check_attempts()
    assert [len(record["names"]) for record in batch.kind("awaits")] == [0]
    assert engine.next_tasks(10) == [], "at_once holds over all pieces"
    done = list(engine.rule)
    assert len(done) == 16
    for task in (0, 1):
        engine.on_done(task)
    assert len(engine.next_tasks(10)) == 2


def test_what_a_later_piece_does_not_await_any_more_is_there() -> None:
    wfile = (
        'target all: "b", "c"\n'
        'rule a:\n    output: "a"\n    run: a > {output}\n'
        'rule b:\n    input: "a"\n    output: "b"\n    run: b {input} > {output}\n'
        'rule c:\n    input: "a"\n    output: "c"\n    run: c {input} > {output}\n'
    )
    batch = batch_of(wfile, only=lambda name: name == "b")
    engine = batch.engine(batch.job, batch.job_attempts)
    assert engine.next_tasks(10) == []
    assert batch.campaign.run(only=1) == ["a"]
    later = Batch(batch.campaign, only=lambda name: name == "c")
    batch.rows = later.rows
    engine.grow(batch.give(later.tasks))
    assert sorted(engine.name(task) for task in engine.next_tasks(10)) == ["b", "c"]
