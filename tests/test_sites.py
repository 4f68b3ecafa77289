"""Sites: the files that come with hpcmake, overriding them, what is told of wrong ones, and the verb `sites`."""

import os
import re
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest
from command import Command
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hpcmake.diagnostics import Trouble, render_all
from hpcmake.options import VERBS
from hpcmake.site import Band, Charge, Launch, Limit, NodeKind, Queue, Site
from hpcmake.sites import find_sites, read_site, read_sites, require
from hpcmake.sites.places import Entry, parse_entries
from hpcmake.sites.quantities import WrongQuantity, parse_bytes, parse_seconds
from hpcmake.text import Source

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(ROOT, "hpcmake", "sites")
BUILT_IN = sorted(name.removesuffix(".toml") for name in os.listdir(FOLDER) if name.endswith(".toml"))
SHORT = 'scheduler = "slurm"\nlauncher = "srun"\n'


def text_of(path: str) -> str:
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


class Home:
    """A user with a home, in the folder of a campaign."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {"HOME": str(root / "home")}

    def write(self, path: str, text: str) -> None:
        whole = self.root / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(textwrap.dedent(text), encoding="utf-8")

    def site(self, word: str) -> Site:
        return read_site(word, self.environ)

    def told(self, text: str, name: str = "mine") -> str:
        """Return what is told of a file `sites/NAME.toml`."""
        self.write(f"sites/{name}.toml", text)
        with pytest.raises(Trouble) as caught:
            self.site(name)
        return render_all(caught.value.diagnostics)

    def queue_told(self, text: str) -> str:
        """Return what is told of a queue of nodes `thin`."""
        text = textwrap.dedent(text)
        return self.told(f'{SHORT}node.thin.cores = 48\n[[queue]]\nname = "q"\n{text}')


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.chdir(tmp_path)
    return Home(tmp_path)


# ---------------------------------------------------------------- what comes with hpcmake


def test_there_are_old_machines_those_of_today_and_any_with_a_scheduler() -> None:
    today = {"polaris", "aurora", "perlmutter", "frontier"}
    assert {"theta", "mira", "cooley", "slurm", "pbs", "cobalt", "local"} | today == set(BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_site_can_be_read(name: str, home: Home) -> None:
    site = home.site(name)
    assert site.name == name
    assert site.files == ("built in",)


def test_theta(home: Home) -> None:
    """Cobalt fact 9.3: nodes against walltime come from the site.  Cobalt fact 9.9: at most 1000 apruns at a time, short pauses."""
    site = home.site("theta")
    assert (site.scheduler, site.launcher, site.runs, site.script_on) == ("cobalt", "aprun", "shell", "launch-node")
    assert (site.poll, site.latency, site.mtime_grain, site.margin) == (60, 10, 1, 300)
    assert (site.shells_at_once, site.submit_from_jobs, site.needs) == (64, "probe", ("project",))
    assert site.charge == Charge("node-hours", 128)
    assert site.nodes == (NodeKind("knl", cores=64, threads_per_core=4, memory=192_000_000_000, count=4392),)
    assert site.launch == Launch(at_once=1000, per_node=1, pause=0.1, carrier="pipe", over_limit="mailbox")
    queue = site.find_queue("default")
    assert queue is not None
    assert (queue.node, queue.nodes, queue.shortest) == ("knl", (128, 4100), 1800)
    assert queue.limits == (Limit("running", 10, "user"), Limit("queued", 20, "user"))


def test_walltimes_of_theta_grow_with_the_number_of_nodes(home: Home) -> None:
    """128 nodes for 6 h fit no job of 128 nodes: the limit there is 3 h."""
    queue = home.site("theta").find_queue("default")
    assert queue is not None
    hours = {nodes: queue.longest_for(nodes) for nodes in (127, 128, 255, 256, 384, 640, 801, 802, 4100, 4101)}
    assert {nodes: seconds and seconds / 3600 for nodes, seconds in hours.items()} == {
        127: None,
        128: 3,
        255: 3,
        256: 6,
        384: 9,
        640: 12,
        801: 12,
        802: 24,
        4100: 24,
        4101: None,
    }


def test_a_small_job_of_theta_is_charged_for_128_nodes_but_not_in_the_debug_queue(home: Home) -> None:
    site = home.site("theta")
    default, debug = site.find_queue("default"), site.find_queue("debug-cache-quad")
    assert default is not None
    assert debug is not None
    assert [site.charged_nodes(default, nodes) for nodes in (14, 128, 200, 4101)] == [128, 128, 200, None]
    assert site.charged_nodes(debug, 3) == 3


def test_nodes_of_mira_come_in_blocks_and_start_no_shell(home: Home) -> None:
    site = home.site("mira")
    assert (site.runs, site.smallest_block, site.launcher) == ("program", 512, "runjob")
    short, capability = site.find_queue("prod-short"), site.find_queue("prod-capability")
    assert short is not None
    assert capability is not None
    assert [site.charged_nodes(short, nodes) for nodes in (1, 512, 513, 4096, 4097)] == [512, 512, 1024, 4096, None]
    assert site.charged_nodes(capability, 6000) == 8192


def test_bands_of_polaris(home: Home) -> None:
    queue = home.site("polaris").find_queue("prod")
    assert queue is not None
    assert queue.bands() == (Band(10, 24, 3 * 3600), Band(25, 99, 6 * 3600), Band(100, 496, 24 * 3600))


def test_sites_of_today_have_the_nodes_of_their_documentation(home: Home) -> None:
    kinds = {name: home.site(name).nodes for name in ("polaris", "aurora", "frontier", "perlmutter")}
    assert {name: [(kind.cores, kind.gpus) for kind in each] for name, each in kinds.items()} == {
        "polaris": [(32, 4)],
        "aurora": [(102, 6)],
        "frontier": [(56, 8)],
        "perlmutter": [(128, 0), (64, 4)],
    }


@pytest.mark.parametrize("name", BUILT_IN)
def test_each_number_of_a_machine_has_its_source(name: str) -> None:
    """A line with a number ends in a comment; where lines repeat a queue's numbers, the comment says the same."""
    text = text_of(f"hpcmake/sites/{name}.toml")
    if name in {"slurm", "pbs", "cobalt", "local"}:
        assert "choices of hpcmake" in text or not re.search(r"= .*\d", text)
        return
    of_machines = r"(cores|threads_per_core|memory|count|nodes|longest|at_once|per_node|minimum_nodes|shells_at_once)"
    bare = [line for line in text.splitlines() if re.match(of_machines + " = [^#]*$", line)]
    assert bare == []


def test_every_site_can_be_named(home: Home) -> None:
    assert list(find_sites(home.environ)) == BUILT_IN
    sites, mistakes = read_sites(home.environ)
    assert [site.name for site in sites] == BUILT_IN
    assert mistakes == []


# ---------------------------------------------------------------- overriding


def test_a_file_of_the_user_overrides_by_key(home: Home) -> None:
    home.write(
        "home/.config/hpcmake/sites/theta.toml",
        """
        project = "Docking"
        margin = "10m"
        launch.pause = "1s"
        [node.knl]
        memory = "180GB"
        """,
    )
    built_in, site = read_site("theta", {}), home.site("theta")  # without a home there are no settings
    assert site == built_in.replace(
        project="Docking",
        margin=600,
        launch=built_in.launch.replace(pause=1),
        nodes=(built_in.nodes[0].replace(memory=180_000_000_000),),
        files=("built in", "~/.config/hpcmake/sites/theta.toml"),
    )


def test_queues_are_overridden_by_name_and_new_ones_added(home: Home) -> None:
    home.write(
        "sites/theta.toml",
        """
        [[queue]]
        name = "R.mine"
        nodes = [1, 512]
        longest = "2d"
        [[queue]]
        name = "default"
        shortest = "20m"
        """,
    )
    site = home.site("theta")
    (home.root / "sites/theta.toml").unlink()
    built_in = home.site("theta")
    assert site.queues == (
        built_in.queues[0].replace(shortest=1200),
        *built_in.queues[1:],
        Queue("R.mine", "knl", (1, 512), ((1, 2 * 86400),)),
    )


def test_the_nearer_file_wins(home: Home) -> None:
    home.write("home/.config/hpcmake/sites/slurm.toml", 'poll = "1s"\nlatency = "1s"\nmargin = "1s"\nproject = "a"')
    home.write("sites/slurm.toml", 'poll = "2s"\nlatency = "2s"\nmargin = "2s"')
    home.write("slurm.toml", 'poll = "3s"\nlatency = "3s"')
    home.write("elsewhere/slurm.toml", 'poll = "4s"')
    site = home.site("elsewhere/slurm.toml")
    assert (site.poll, site.latency, site.margin, site.mtime_grain, site.project) == (4, 3, 2, 1, "a")
    assert site.files == (
        "built in",
        "~/.config/hpcmake/sites/slurm.toml",
        "sites/slurm.toml",
        "slurm.toml",
        "elsewhere/slurm.toml",
    )


def test_the_folder_of_settings_may_be_elsewhere(home: Home) -> None:
    home.write("settings/hpcmake/sites/galaxy.toml", SHORT)
    assert "galaxy" not in find_sites(home.environ)
    assert read_site("galaxy", {"XDG_CONFIG_HOME": str(home.root / "settings")}).scheduler == "slurm"


def test_a_file_beside_the_wfile_can_be_named_but_is_not_listed(home: Home) -> None:
    """Any program may have a TOML file there."""
    home.write("pyproject.toml", "[project]")
    home.write("galaxy.toml", SHORT)
    assert list(find_sites(home.environ)) == BUILT_IN
    assert home.site("galaxy").files == ("galaxy.toml",)


def test_a_site_by_the_path_of_its_file_has_the_name_that_it_says(home: Home) -> None:
    home.write("a/galaxy.toml", SHORT)
    home.write("a/new.toml", 'name = "theta"\nmargin = "1m"')
    assert home.site("a/galaxy.toml").name == "galaxy"
    site = home.site(str(home.root / "a/new.toml"))
    assert (site.name, site.margin, site.scheduler) == ("theta", 60, "cobalt")


def test_a_file_that_is_named_by_its_path_is_not_read_twice(home: Home) -> None:
    home.write("sites/galaxy.toml", SHORT)
    assert home.site("./sites/galaxy.toml").files == ("./sites/galaxy.toml",)


def test_the_one_kind_of_node_need_not_be_named(home: Home) -> None:
    home.write("sites/mine.toml", SHORT + 'node.a.cores = 4\n[[queue]]\nname = "q"\nnodes = [1, 2]\nlongest = "1h"')
    assert [queue.node for queue in home.site("mine").queues] == ["a"]


def test_windows_ends_of_lines_do_no_harm(home: Home) -> None:
    (home.root / "mine.toml").write_bytes(SHORT.replace("\n", "\r\n").encode())
    assert home.site("mine").launcher == "srun"


# ---------------------------------------------------------------- mistakes


def test_an_unknown_site(home: Home) -> None:
    with pytest.raises(Trouble) as caught:
        home.site("thetta")
    assert render_all(caught.value.diagnostics) == (
        "error[E900]: there is no site `thetta`\n"
        " --> the command line:1:1\n"
        "1 | thetta\n"
        "  | ^^^^^^\n"
        "  = help: did you mean `theta`?\n"
        "  =       a site of your own goes into ~/.config/hpcmake/sites/thetta.toml, or into sites/thetta.toml\n"
    )


def test_a_site_file_that_is_not_there(home: Home) -> None:
    with pytest.raises(Trouble) as caught:
        home.site("sites/mine.toml")
    assert render_all(caught.value.diagnostics) == (
        "error[E900]: there is no site file sites/mine.toml\n"
        " --> the command line:1:1\n"
        "1 | sites/mine.toml\n"
        "  | ^^^^^^^^^^^^^^^\n"
        f"  = help: sites that have a name: {', '.join(BUILT_IN)}\n"
    )


def test_not_toml(home: Home) -> None:
    assert home.told("poll = 60s\n") == (
        "error[E901]: sites/mine.toml is not TOML: expected newline or end of document after a statement\n"
        " --> sites/mine.toml:1:10\n"
        "1 | poll = 60s\n"
        "  |          ^\n"
        '  = help: a line is `key = value`, texts stand in quotes: `poll = "60s"`\n'
    )


def test_not_toml_to_the_end(home: Home) -> None:
    assert home.told("needs = [\n").splitlines()[0] == ("error[E901]: sites/mine.toml is not TOML: invalid value")


def test_not_text(home: Home) -> None:
    (home.root / "mine.toml").write_bytes(b'name = "mine"\nproject = "\xff"\n')
    with pytest.raises(Trouble) as caught:
        home.site("mine")
    assert render_all(caught.value.diagnostics) == (
        "error[E901]: mine.toml is not UTF-8: line 2 holds the byte 0xff\n  help: save it as UTF-8\n"
    )


def test_a_file_that_cannot_be_read(home: Home) -> None:
    (home.root / "sites/mine.toml").mkdir(parents=True)
    with pytest.raises(Trouble) as caught:
        home.site("mine")
    assert render_all(caught.value.diagnostics) == ("error[E901]: sites/mine.toml cannot be read: Is a directory\n")


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "a" + ".a" * 5000 + " = 1", "a = " + "{a = " * 3000])
def test_nesting_without_end(text: str, home: Home) -> None:
    assert home.told(text) == "error[E901]: sites/mine.toml is no site file: it is nested over 40 deep\n"


def test_a_number_of_thousands_of_digits(home: Home) -> None:
    assert home.told("jobs = " + "1" * 5000).startswith("error[E901]: sites/mine.toml is not TOML: ")


def test_an_unknown_key(home: Home) -> None:
    assert home.told(SHORT + "[launch]\nat_onec = 1000\n") == (
        "error[E902]: launch has no key `at_onec`\n"
        " --> sites/mine.toml:4:1\n"
        "4 | at_onec = 1000\n"
        "  | ^^^^^^^\n"
        "  = help: did you mean `at_once`?\n"
    )


def test_a_key_that_is_misspelt_is_not_also_missing(home: Home) -> None:
    assert home.told('schedular = "slurm"\nlauncher = "srun"\n') == (
        "error[E902]: a site has no key `schedular`\n"
        " --> sites/mine.toml:1:1\n"
        '1 | schedular = "slurm"\n'
        "  | ^^^^^^^^^\n"
        "  = help: did you mean `scheduler`?\n"
    )


def test_a_key_like_no_other(home: Home) -> None:
    assert home.told(SHORT + "[charge]\nxyz = 1\n").splitlines()[-1] == "  = help: it has `minimum_nodes`, `unit`"


def test_a_number_in_place_of_a_duration(home: Home) -> None:
    assert home.told(SHORT + "poll = 60\n") == (
        "error[E903]: `poll` is a duration with its unit, in quotes, not the number 60\n"
        " --> sites/mine.toml:3:8\n"
        "3 | poll = 60\n"
        "  |        ^^\n"
        '  = help: write for example `poll = "60s"`\n'
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('jobs = "4"', '`jobs` is a whole number, not the text "4"'),
        ("jobs = true", "`jobs` is a whole number, not the truth value true"),
        ("jobs = 1.5", "`jobs` is a whole number, not the number 1.5"),
        ("jobs = 2024-01-01", "`jobs` is a whole number, not the date 2024-01-01"),
        ("budget = nan", "`budget` is a number, not the number nan"),
        ("budget = inf", "`budget` is a number, not the number inf"),
        ("project = 7", "`project` is a text in quotes, not the number 7"),
        ("scheduler = ['slurm']", "`scheduler` is one of `cobalt`, `pbs`, `slurm`, `none`, not a list"),
        ('needs = "project"', '`needs` is a list of keys, not the text "project"'),
        ("submit_words = [1]", "`submit_words` is a list of texts, not the number 1"),
        ('launch = "aprun"', '`launch` is a table, not the text "aprun"'),
        ("node = 3", "`node` is a table, not the number 3"),
        ("node.a = 3", "`node.a` is a table, not the number 3"),
        ("queue = 3", "`queue` is a list of tables, not the number 3"),
        ("limits = [3]", "`limits` is a list of tables, not the number 3"),
        (
            "node.a = { cores = 1, memory = 5 }",
            "`memory` of node `a` is a size with its unit, in quotes, not the number 5",
        ),
    ],
)
def test_a_value_of_another_kind(line: str, said: str, home: Home) -> None:
    text = line if line.startswith("scheduler") else f'scheduler = "slurm"\n{line}'
    assert home.told(f'launcher = "srun"\n{text}\n').splitlines()[0] == f"error[E903]: {said}"


def test_a_wrong_unit(home: Home) -> None:
    assert home.told(SHORT + '[node.thin]\ncores = 48\nmemory = "192gb"\n') == (
        "error[E904]: `memory` of node `thin`: unknown unit `gb` in `192gb`: a size is written 512MiB, 4GB or 100kB\n"
        " --> sites/mine.toml:5:10\n"
        '5 | memory = "192gb"\n'
        "  |          ^^^^^^^\n"
        '  = help: write `"192GB"`\n'
    )


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("3:00:00", "3h"),
        ("60", "60s"),
        ("100ms", "0.1s"),
        ("10 minutes", "10m"),
        ("2 Hours", "2h"),
        ("1h 30min", "1h30m"),
        ("5M", "5m"),
        ("soon", ""),
        ("30m1h", ""),
        ("1" * 5000 + "s", ""),
    ],
)
def test_mends_of_durations(text: str, mend: str) -> None:
    with pytest.raises(WrongQuantity) as caught:
        parse_seconds(text)
    assert caught.value.mend == mend


@pytest.mark.parametrize(
    ("text", "mend"), [("192", "192GB"), ("4 GiB", "4GiB"), ("4gib", "4GiB"), ("4G", "4GB"), ("x", "")]
)
def test_mends_of_sizes(text: str, mend: str) -> None:
    with pytest.raises(WrongQuantity) as caught:
        parse_bytes(text)
    assert caught.value.mend == mend


def test_a_word_that_is_not_one_of_a_few(home: Home) -> None:
    assert home.told('scheduler = "slrm"\nlauncher = "mpirun"\n') == (
        "error[E905]: `scheduler` is one of `cobalt`, `pbs`, `slurm`, `none`, not `slrm`\n"
        " --> sites/mine.toml:1:13\n"
        '1 | scheduler = "slrm"\n'
        "  |             ^^^^^^\n"
        "  = help: did you mean `slurm`?\n"
        "\n"
        "error[E905]: `launcher` is one of `aprun`, `srun`, `mpiexec`, `runjob`, `flux`, `none`, not `mpirun`\n"
        " --> sites/mine.toml:2:12\n"
        '2 | launcher = "mpirun"\n'
        "  |            ^^^^^^^^\n"
        "  = help: write `mpiexec`\n"
    )


def test_a_number_that_is_too_small(home: Home) -> None:
    assert home.told(SHORT + "jobs = 0\n") == (
        "error[E905]: `jobs` is at least 1, not 0\n"
        " --> sites/mine.toml:3:8\n"
        "3 | jobs = 0\n"
        "  |        ^\n"
        "  = help: write for example `jobs = 128`\n"
    )


def test_a_queue_without_a_walltime(home: Home) -> None:
    assert home.queue_told("nodes = [1, 128]\n") == (
        "error[E906]: queue `q` has no `longest`\n"
        " --> sites/mine.toml:4:1\n"
        "4 | [[queue]]\n"
        "  | ^^^^^^^^^\n"
        '  = help: write for example `longest = "6h"`, or by nodes, `longest = [[1, "3h"], [256, "6h"]]`\n'
    )


def test_what_else_a_queue_must_say(home: Home) -> None:
    text = SHORT + "node.a.cores = 1\nnode.b.cores = 2\n[[queue]]\n"
    assert [line for line in home.told(text).splitlines() if line.startswith("error")] == [
        "error[E906]: a queue has no `name`",
        "error[E906]: a queue has no `node`",
        "error[E906]: a queue has no `nodes`",
        "error[E906]: a queue has no `longest`",
    ]


def test_a_walltime_of_nothing(home: Home) -> None:
    assert home.queue_told('nodes = [1, 2]\nlongest = "0s"\n').splitlines()[0] == (
        "error[E905]: `longest` of queue `q` is more than no time"
    )


def test_a_range_of_nodes_the_wrong_way_round(home: Home) -> None:
    assert home.queue_told('nodes = [128, 1]\nlongest = "1d"\n') == (
        "error[E907]: `nodes` of queue `q` go from 128 to 1: the fewest is more than the most\n"
        " --> sites/mine.toml:6:9\n"
        "6 | nodes = [128, 1]\n"
        "  |         ^^^^^^^^\n"
        "  = help: write `nodes = [1, 128]`\n"
    )


def test_a_shortest_time_that_is_longer_than_the_longest(home: Home) -> None:
    assert home.queue_told('nodes = [1, 128]\nshortest = "2h"\nlongest = [[1, "1h"], [64, "3h"]]\n') == (
        "error[E907]: `shortest` of queue `q`, 2h, is more than its longest, 1h\n"
        " --> sites/mine.toml:7:12\n"
        '7 | shortest = "2h"\n'
        "  |            ^^^^\n"
        '8 | longest = [[1, "1h"], [64, "3h"]]\n'
        "  |           ----------------------- at most so long\n"
        '  = help: write a shorter one, such as `shortest = "1h"`\n'
    )


def test_nodes_for_which_no_walltime_is_told(home: Home) -> None:
    assert home.queue_told('nodes = [1, 128]\nlongest = [[64, "3h"]]\n') == (
        "error[E907]: queue `q` tells no walltime for 1 to 63 nodes\n"
        " --> sites/mine.toml:7:11\n"
        '7 | longest = [[64, "3h"]]\n'
        "  |           ^^^^^^^^^^^^\n"
        "6 | nodes = [1, 128]\n"
        "  |         -------- jobs have 1 nodes or more\n"
        "  = help: let the first pair of `longest` begin with 1, or let `nodes` begin with 64\n"
    )


def test_a_walltime_for_more_nodes_than_a_job_can_have(home: Home) -> None:
    assert home.queue_told('nodes = [1, 128]\nlongest = [[1, "3h"], [256, "6h"]]\n') == (
        "error[E907]: `longest` of queue `q` speaks of 256 nodes, but a job has at most 128\n"
        " --> sites/mine.toml:7:11\n"
        '7 | longest = [[1, "3h"], [256, "6h"]]\n'
        "  |           ^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "6 | nodes = [1, 128]\n"
        "  |         -------- at most 128\n"
        "  = help: leave the pair out, or let `nodes` end with 256 or more\n"
    )


def test_a_contradiction_between_two_files_shows_both(home: Home) -> None:
    home.write(
        "home/.config/hpcmake/sites/mine.toml", SHORT + '[[queue]]\nname = "q"\nnodes = [1, 9]\nlongest = "1h"\n'
    )
    assert home.told('[[queue]]\nname = "q"\nshortest = "2h"\n') == (
        "error[E907]: `shortest` of queue `q`, 2h, is more than its longest, 1h\n"
        " --> sites/mine.toml:3:12\n"
        '3 | shortest = "2h"\n'
        "  |            ^^^^\n"
        " ::: ~/.config/hpcmake/sites/mine.toml:6:11\n"
        '6 | longest = "1h"\n'
        "  |           ---- at most so long\n"
        '  = help: write a shorter one, such as `shortest = "1h"`\n'
    )


def test_more_running_jobs_than_jobs_in_the_queue(home: Home) -> None:
    limits = 'limits = [{ what = "running", most = 10 }, { what = "queued", most = 5 }]'
    assert home.queue_told(f'nodes = [1, 2]\nlongest = "1h"\n{limits}\n').splitlines()[0] == (
        "error[E907]: queue `q` lets 10 jobs of a user run, but only 5 be in the queue, running ones included"
    )


def test_blocks_that_do_not_reach_the_largest_job(home: Home) -> None:
    assert home.queue_told('nodes = [512, 4096]\nlongest = "1h"\nblocks = [512, 1024]\n').splitlines()[0] == (
        "error[E907]: `blocks` of queue `q` go from 512 to 1024, its nodes from 512 to 4096"
    )


def test_a_file_that_has_another_name_than_its_site(home: Home) -> None:
    assert home.told('name = "other"\n' + SHORT) == (
        "error[E907]: the site of the file mine.toml calls itself `other`\n"
        " --> sites/mine.toml:1:8\n"
        '1 | name = "other"\n'
        "  |        ^^^^^^^\n"
        '  = help: write `name = "mine"`, or rename the file to other.toml: a site is found by the name of its file\n'
    )


def test_walltimes_that_do_not_ascend(home: Home) -> None:
    assert home.queue_told('nodes = [1, 512]\nlongest = [[1, "3h"], [512, "9h"], [256, "6h"]]\n') == (
        "error[E908]: `longest` of queue `q` does not ascend: 256 comes after 512\n"
        " --> sites/mine.toml:7:37\n"
        '7 | longest = [[1, "3h"], [512, "9h"], [256, "6h"]]\n'
        "  |                                     ^^^\n"
        '7 | longest = [[1, "3h"], [512, "9h"], [256, "6h"]]\n'
        "  |                        --- this one before it\n"
        "  = help: put the pairs in the order of their nodes, each number once\n"
    )


def test_a_queue_of_unknown_nodes(home: Home) -> None:
    assert home.queue_told('node = "thn"\nnodes = [1, 2]\nlongest = "1h"\n') == (
        "error[E909]: queue `q` has nodes of an unknown kind, `thn`\n"
        " --> sites/mine.toml:6:8\n"
        '6 | node = "thn"\n'
        "  |        ^^^^^\n"
        "  = help: did you mean `thin`?\n"
    )


def test_a_queue_twice_in_one_file(home: Home) -> None:
    queue = '[[queue]]\nname = "q"\nnodes = [1, 2]\nlongest = "1h"\n'
    assert home.told(SHORT + queue + queue) == (
        "error[E910]: queue `q` stands twice\n"
        " --> sites/mine.toml:8:8\n"
        '8 | name = "q"\n'
        "  |        ^^^\n"
        '4 | name = "q"\n'
        "  |        --- first here\n"
        "  = help: one of them needs another name, or goes\n"
    )


def test_what_a_site_does_not_say_is_not_guessed(home: Home) -> None:
    site = home.site("local")
    assert require(home.site("theta").margin, site, "margin", "end a job in time") == 300
    with pytest.raises(Trouble) as caught:
        require(site.margin, site, "margin", "end a job in time")
    assert render_all(caught.value.diagnostics) == (
        "error[E911]: the site local does not say `margin`, which is needed to end a job in time\n"
        '  help: write `margin = "5m"` into ~/.config/hpcmake/sites/local.toml or sites/local.toml\n'
    )


def test_independent_mistakes_are_told_together(home: Home) -> None:
    told = home.told(SHORT + 'poll = 1\nlatency = "1"\nxyz = 3\n[[queue]]\nname = "q"\nnodes = [2, 1]\n')
    assert re.findall(r"E9\d\d", told) == ["E903", "E904", "E902", "E906", "E907"]


# ---------------------------------------------------------------- places


def leaves(entry: Entry) -> list[Entry]:
    if isinstance(entry.value, dict):
        return [leaf for each in entry.value.values() for leaf in leaves(each)]
    if isinstance(entry.value, list) and entry.value:
        return [leaf for each in entry.value for leaf in leaves(each)]
    return [entry]


TOML = r'''
a = 1 # one
b.c . "d e" = 'x' # [no]
text = """one "two"
three"""
[x.y]
list = [ 1, [2, 3], # a ] in a comment
  "a ] in a text", { in = 4, "in.2" = [5] }, ]
[[z]]
[[z.w]]
q = 1979-05-27 07:32:00
[[z.w]]
q = true
[[z]]
w = []
'''


@pytest.mark.parametrize("text", [TOML, *(text_of(f"hpcmake/sites/{name}.toml") for name in BUILT_IN)])
def test_each_value_stands_where_it_is_said_to(text: str) -> None:
    found = leaves(parse_entries(Source("x.toml", text)))
    assert found
    for leaf in found:
        value = [] if leaf.value == [] else leaf.value
        assert tomllib.loads(f"x = {leaf.span.text}") == {"x": value}


# ---------------------------------------------------------------- no traceback for any file

THETA = text_of("hpcmake/sites/theta.toml")
WORDS = ["[", "]", "[[", "]]", "{", "}", "=", ",", '"', "'", "#", ".", "\n", "\r\n", "0", "-1", "1e400", "nan", "inf"]
WORDS += [
    "true",
    "[[queue]]",
    "[node.x]",
    "name",
    "longest",
    "nodes = ",
    "[1, 2]",
    '"1h"',
    '"""',
    "1979-05-27",
    "\\u0000",
]


def read_or_tell(text: str) -> str:
    """Return what is told, and say that it can be rendered."""
    from hpcmake.sites.form import build_site  # the part without the disk
    from hpcmake.sites.queues import repeated_queues

    try:
        entry = parse_entries(Source("theta.toml", text))
    except Trouble as trouble:
        return render_all(trouble.diagnostics)
    site, mistakes = build_site("theta", entry, ("theta.toml",))
    mistakes += repeated_queues(entry)
    if not mistakes:
        for queue in site.queues:
            assert queue.bands()
            assert queue.longest_for(queue.nodes[0]) is not None
            assert queue.longest_for(queue.nodes[1]) is not None
    return render_all(mistakes)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(st.integers(0, len(THETA)), st.integers(0, 12), st.sampled_from(WORDS) | st.text(max_size=3)),
        min_size=1,
        max_size=4,
    )
)
def test_no_edit_of_a_site_file_gives_a_traceback(edits: list[tuple[int, int, str]]) -> None:
    text = THETA
    for at, length, new in edits:
        text = text[:at] + new + text[at + length :]
    read_or_tell(text)


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(["0", "-3", "7", "1.5", "nan", "inf", "true", "1979-05-27", '"1h"', '"4GB"', '""', '"user"', '"x"'])
    | st.integers(-(10**30), 10**30).map(str),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(["what", "most", "scope", "name", "cores", "nodes"]), inner, max_size=3).map(
            lambda pairs: "{ " + ", ".join(f"{key} = {value}" for key, value in pairs.items()) + " }"
        )
    ),
    max_leaves=6,
)
KEYED = [number for number, line in enumerate(THETA.splitlines()) if re.match(r"\w+ = .*[^\[\s]\s*(#.*)?$", line)]


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.sampled_from(KEYED), VALUES, min_size=1, max_size=3))
@example({KEYED[0]: '"theta"'})
def test_no_value_of_any_key_gives_a_traceback(values: dict[int, str]) -> None:
    lines = THETA.splitlines()
    for number, value in values.items():
        lines[number] = f"{lines[number].split(' = ')[0]} = {value}"
    read_or_tell("\n".join(lines))


def test_a_line_with_a_value_is_one_that_can_be_edited() -> None:
    assert len(KEYED) > 30


# ---------------------------------------------------------------- the documentation


def sections() -> list[tuple[str, str]]:
    found = re.findall(r"^### (E9\d\d)\n(.*?)(?=^##)", text_of("docs/errors.md"), re.MULTILINE | re.DOTALL)
    return [
        (code, piece)
        for code, text in found
        for piece in re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    ]


@pytest.mark.parametrize(("code", "text"), sections(), ids=[code for code, _ in sections()])
def test_the_example_of_a_mistake_gives_that_mistake(code: str, text: str, home: Home) -> None:
    """The piece is the user's part of the site slurm."""
    assert re.findall(r"^error\[(\w+)\]", home.told(text, "slurm"), re.MULTILINE) == [code]


def test_most_mistakes_have_an_example() -> None:
    assert {code for code, _ in sections()} == {f"E9{number:02}" for number in range(1, 11)}


def test_the_examples_of_site_files_can_be_read(home: Home) -> None:
    pieces = re.findall(r"^```toml\n# (\S+)\n(.*?)^```$", text_of("docs/sites.md"), re.MULTILINE | re.DOTALL)
    for place, text in pieces:
        home.write(place.replace("~", "home"), text)
    assert len(pieces) == 2
    polaris, galaxy = home.site("polaris"), home.site("galaxy")
    assert (polaris.project, polaris.filesystems, polaris.queues[0].shortest) == ("MyProject", ("home", "eagle"), 600)
    assert [(queue.name, queue.node, queue.purpose) for queue in galaxy.queues] == [
        ("normal", "thin", "work"),
        ("gpu", "gpu", "work"),
        ("test", "thin", "trial"),
    ]
    assert galaxy.queues[0].bands() == (Band(1, 32, 2 * 86400), Band(33, 128, 86400))


def test_every_key_is_in_the_documentation() -> None:
    text = text_of("docs/sites.md")
    keys = {field for noun in (NodeKind, Launch, Charge, Limit, Queue, Site) for field in noun._fields}
    elsewhere = {"files", "nodes", "queues", "launch", "charge"}  # where it comes from, and the tables
    assert {key for key in keys if f"`{key}`" not in text} <= elsewhere


# ---------------------------------------------------------------- the verb


@pytest.fixture
def user(command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, of a user without settings of their own."""
    monkeypatch.setenv("HOME", str(command.root / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return command


def test_the_list(user: Command) -> None:
    user.write("sites/theta.toml", 'project = "Docking"')
    user.write("sites/galaxy.toml", SHORT)
    assert user.say("sites").out == (
        "SITE        SCHEDULER  NODES                      FROM\n"
        "aurora      pbs        pvc: 102 cores, 6 gpus     built in\n"
        "cobalt      cobalt     -                          built in\n"
        "cooley      cobalt     haswell: 12 cores, 2 gpus  built in\n"
        "frontier    slurm      mi250x: 56 cores, 8 gpus   built in\n"
        "galaxy      slurm      -                          sites/galaxy.toml\n"
        "local       none       -                          built in\n"
        "mira        cobalt     bgq: 16 cores              built in\n"
        "pbs         pbs        -                          built in\n"
        "perlmutter  slurm      cpu: 128 cores             built in\n"
        "                       gpu: 64 cores, 4 gpus\n"
        "polaris     pbs        a100: 32 cores, 4 gpus     built in\n"
        "slurm       slurm      -                          built in\n"
        "theta       cobalt     knl: 64 cores              built in\n"
        "                                                  + sites/theta.toml\n"
    )


def test_one_with_all_its_numbers(user: Command) -> None:
    result = user.say("sites", "theta")
    assert result.status == 0
    assert result.out == (
        "theta\n"
        "  from              built in\n"
        "  scheduler         cobalt\n"
        "  launcher          aprun\n"
        "  runs              shell\n"
        "  script_on         launch-node\n"
        "  shells_at_once    64\n"
        "  submit_from_jobs  probe\n"
        "  poll              1m\n"
        "  latency           10s\n"
        "  mtime_grain       1s\n"
        "  margin            5m\n"
        "  needs             project\n"
        "  charge            node-hours, at least 128 nodes\n"
        "\n"
        "nodes\n"
        "  KIND  CORES  THREADS  MEMORY  GPUS  COUNT\n"
        "  knl   64     256      192GB   0     4392\n"
        "\n"
        "launch\n"
        "  at_once           1000\n"
        "  per_node          1\n"
        "  pause             0.1s\n"
        "  carrier           pipe\n"
        "  over_limit        mailbox\n"
        "\n"
        "queues\n"
        "  QUEUE             NODE  NODES     WALLTIME  LIMITS             FOR\n"
        "  default           knl   128-255   30m-3h    10 running a user  work\n"
        "                          256-383   30m-6h    20 queued a user\n"
        "                          384-639   30m-9h\n"
        "                          640-801   30m-12h\n"
        "                          802-4100  30m-1d\n"
        "  debug-cache-quad  knl   1-8       1h        1 running a user   trial\n"
        "  debug-flat-quad   knl   1-8       1h        1 running a user   asked\n"
    )


def test_a_site_without_queues_says_what_to_do(user: Command) -> None:
    assert user.say("sites", "perlmutter").out.endswith(
        "\nqueues\n  none are known: describe those of your machine in\n  ~/.config/hpcmake/sites/perlmutter.toml\n"
    )
    assert "queues" not in user.say("sites", "local").out


@pytest.mark.parametrize("name", BUILT_IN)
def test_80_columns_hold_every_site(name: str, user: Command) -> None:
    assert max(map(len, user.say("sites", name).out.splitlines())) <= 80


def test_blocks_and_words_of_queues_stand_below(user: Command) -> None:
    assert "\n  prod-short: blocks of 512, 1024, 2048, 4096\n" in user.say("sites", "mira").out
    assert "\n  debug: asked for by -p batch -q debug\n" in user.say("sites", "frontier").out
    assert "\n  preemptable: preemptable, its jobs may be ended at any time\n" in user.say("sites", "polaris").out


def test_json(user: Command) -> None:
    listed = user.say("sites", "--json").rows
    assert [row["name"] for row in listed] == BUILT_IN
    theta = user.say("sites", "theta", "--json").rows
    assert theta == [row for row in listed if row["name"] == "theta"]
    assert theta[0]["kind"] == "site"
    assert theta[0]["from"] == ["built in"]
    assert theta[0]["margin"] == 300
    assert theta[0]["python"] is None
    assert theta[0]["nodes"][0]["memory"] == 192_000_000_000
    assert theta[0]["queues"][0]["longest"][0] == [128, 10800]


def test_a_wrong_file_does_not_hide_the_other_sites(user: Command) -> None:
    user.write("sites/mine.toml", SHORT + "jobs = 0\n")
    result = user.say("sites")
    assert result.status == 2
    assert "theta       cobalt" in result.out
    assert result.err.startswith("error[E905]: `jobs` is at least 1, not 0\n --> sites/mine.toml:3:8\n")


def test_sites_of_another_folder(user: Command) -> None:
    user.write("campaign/sites/galaxy.toml", SHORT)
    assert user.say("-C", "campaign", "sites", "galaxy").status == 0
    assert user.say("sites", "galaxy").status == 2


def test_two_names(user: Command) -> None:
    result = user.say("sites", "theta", "mira")
    assert result.status == 2
    assert result.err.startswith("error[E808]: name one site, or none for a list\n")


def test_help(user: Command) -> None:
    assert "sites" in VERBS
    assert user.say("sites", "--help").out.startswith(
        "usage: hpcmake sites [NAME-OR-FILE] [options]\n\nThe sites; one with all its numbers.\n"
    )
