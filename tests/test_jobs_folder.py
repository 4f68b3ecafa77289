"""The folder of a job: papers that are whole or absent, claims that one job has, closings that nobody passes."""

import os
import random
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcmake.diagnostics import Trouble
from hpcmake.jobs import files
from hpcmake.jobs.claims import CLOSED, FIRST, Claim, claiming, closing, listed, merge, parse_claim, same_job
from hpcmake.jobs.files import COUNTS, take, write_whole
from hpcmake.jobs.folder import JobFolder, Reading, list_folders, new_folder, next_sequence
from hpcmake.jobs.marks import (
    clear_stop,
    find_campaign,
    is_stopped,
    read_budget,
    require_campaign,
    write_budget,
    write_stop,
)
from hpcmake.jobs.papers import OVER, Intent, Receipt, Status
from hpcmake.jobs.settled import Settled, add_settled, read_settled

KEY = "hm0a1b2-0001-x7"


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    made = JobFolder(f"{tmp_path}/.hpcmake/jobs/{KEY}")
    made.create()
    return made


# ---------------------------------------------------------------- papers


def test_a_folder_is_made_by_one_only(folder: JobFolder) -> None:
    with pytest.raises(FileExistsError):
        folder.create()
    assert os.path.isdir(folder.logs)


def test_papers_are_read_as_they_were_written(folder: JobFolder) -> None:
    intent = Intent(KEY, site="theta", queue="default", nodes=128, charged=128, walltime=3600.0, parents=("a", "b"))
    receipt = Receipt(KEY, "12345", ("12344",), "Job routed to queue")
    status = Status(KEY, OVER, job="12345", exit=75, why="deadline", done=3, left=9)
    assert folder.read() == Reading(KEY)
    folder.write_intent(intent)
    folder.write_receipt(receipt)
    folder.write_status(status)
    assert (folder.read_intent(), folder.read_receipt(), folder.read_status()) == (intent, receipt, status)
    assert folder.read() == Reading(KEY, intent, receipt, status)
    assert intent.reserved == 128


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "null",
        "[]",
        '{"key": 1}',
        '{"key": "k", "exit": []',
        '{"key": "k", "tasks": "x", "said": 1, "done": []}',
        "\x00\xff",
    ],
)
def test_a_paper_that_is_torn_or_garbled_is_none(folder: JobFolder, content: str) -> None:
    for path in (folder.intent, folder.receipt, folder.status):
        Path(path).write_text(content, encoding="latin-1")
    assert folder.read() == Reading(KEY)


def test_what_a_later_version_has_added_to_a_paper_is_passed_over(folder: JobFolder) -> None:
    Path(folder.status).write_text('{"key": "k", "state": "over", "exit": 0, "phase": "of the moon"}')
    assert folder.read_status() == Status("k", OVER, exit=0)


def test_an_intent_is_on_the_disk_before_it_counts_as_written(
    folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    fsync, rename = os.fsync, os.replace

    def note_sync(number: int) -> None:
        order.append(
            f"sync {os.path.basename(os.readlink(f'/proc/self/fd/{number}')).rpartition('.new')[1] or 'folder'}"
        )
        fsync(number)

    def note_rename(old: str, new: str) -> None:
        order.append(f"rename {os.path.basename(new)}")
        rename(old, new)

    monkeypatch.setattr(files.os, "fsync", note_sync)
    monkeypatch.setattr(files.os, "replace", note_rename)
    folder.write_intent(Intent(KEY))
    assert order == ["sync .new", "rename intent", "sync folder", "sync folder"]


def test_two_who_write_a_status_do_not_share_a_temporary_file(folder: JobFolder) -> None:
    assert files._fresh(folder.status) != files._fresh(folder.status)
    write_whole(folder.status, b"1")
    write_whole(folder.status, b"2")
    assert os.listdir(folder.path).count("status.json") == 1
    assert Path(folder.status).read_bytes() == b"2"


def test_pieces_of_a_batch_count_up_to_the_first_that_is_missing(folder: JobFolder) -> None:
    assert folder.pieces() == []
    for name in ("batch.jsonl", "more.2.jsonl", "more.3.jsonl", "more.5.jsonl"):
        Path(folder.path, name).touch()
    assert folder.pieces() == [folder.batch, folder.more(2), folder.more(3)]


def test_a_folder_that_cannot_be_written_is_told(folder: JobFolder) -> None:
    os.rmdir(folder.logs)
    os.rmdir(folder.path)
    with pytest.raises(Trouble, match=r"E703 cannot write `.*/intent`: no such file or directory"):
        folder.write_intent(Intent(KEY))


# ---------------------------------------------------------------- a campaign


def test_folders_are_listed_in_the_order_of_their_numbers_by_one_listing(tmp_path: Path) -> None:
    root = f"{tmp_path}/.hpcmake"
    assert list_folders(root) == []
    for key in ("hm0a1b2-000z-aa", "hm0a1b2-0010-zz", "hm0a1b2-0002-zz", "no-key", ".hm0a1b2-0003-zz.new"):
        Path(root, "jobs", key).mkdir(parents=True)
    before = dict(COUNTS)
    found = list_folders(root)
    assert [each.key for each in found] == ["hm0a1b2-0002-zz", "hm0a1b2-000z-aa", "hm0a1b2-0010-zz"]
    assert (COUNTS["listings"] - before["listings"], COUNTS["reads"] - before["reads"]) == (1, 0)
    assert next_sequence(found) == 37


def test_a_new_folder_takes_the_next_number_also_where_another_driver_counts_alike(tmp_path: Path) -> None:
    root = f"{tmp_path}/.hpcmake"
    drawn = bytes
    first = new_folder(root, drawn)
    assert first.key == "hm00000-0000-00"
    Path(root, "jobs", "hm00000-0001-00").mkdir()
    assert new_folder(root, drawn).key == "hm00000-0002-00"
    assert new_folder(root).key.startswith("hm00000-0003-")


def test_a_campaign_keeps_its_digits(tmp_path: Path) -> None:
    root = f"{tmp_path}/.hpcmake"
    assert find_campaign(root) is None
    digits = require_campaign(root)
    assert require_campaign(root) == digits == find_campaign(root)
    assert Path(root, "campaign").read_text() == f"{digits}\n"


def test_a_campaign_whose_digits_are_damaged_has_those_of_its_jobs(tmp_path: Path) -> None:
    root = f"{tmp_path}/.hpcmake"
    Path(root, "jobs", "hm0a1b2-0001-x7").mkdir(parents=True)
    Path(root, "campaign").write_text("")
    assert find_campaign(root) == "0a1b2"
    assert require_campaign(root) == "0a1b2"
    assert Path(root, "campaign").read_text() == "0a1b2\n"


def test_stop_is_a_mark_that_comes_and_goes(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert not is_stopped(root)
    write_stop(root, "by hand")
    assert is_stopped(root)
    assert Path(root, "stop").read_text() == "by hand\n"
    clear_stop(root)
    clear_stop(root)
    assert not is_stopped(root)


def test_a_budget_that_cannot_be_read_is_none_at_all(tmp_path: Path) -> None:
    root = str(tmp_path)
    assert read_budget(root) is None
    write_budget(root, 1000.5)
    assert read_budget(root) == 1000.5
    Path(root, "budget").write_text("lots")
    assert read_budget(root) == 0


# ---------------------------------------------------------------- claims


def test_the_first_job_has_the_key_and_no_other_gets_it(folder: JobFolder) -> None:
    assert folder.claims() == ()
    assert folder.claim("12345")
    assert not folder.claim("12346")
    assert not folder.claim("12345")
    assert folder.claims() == (Claim("12345", 0),)
    assert sorted(name for name in os.listdir(folder.path) if name != "logs") == ["claim", "claim.12345.0"]


def test_the_same_job_may_claim_again_when_it_was_started_again(folder: JobFolder) -> None:
    assert folder.claim("16.pbs01", 0)
    assert folder.claim("16.pbs01", 2)
    assert not folder.claim("16.pbs01", 1)
    assert not folder.claim("17.pbs01", 3)
    assert folder.claims() == (Claim("16.pbs01", 0), Claim("16.pbs01", 2))
    assert folder.read().job == "16.pbs01"


def test_a_key_that_is_closed_is_nobodys(folder: JobFolder) -> None:
    assert folder.close("its qsub did not answer")
    assert not folder.claim("12345")
    assert folder.claims() == ()
    assert folder.closed() == "its qsub did not answer"
    assert folder.read().closed == "its qsub did not answer"
    assert folder.close("again")


def test_a_key_that_a_job_has_is_not_closed_to_it_but_to_its_next_start(folder: JobFolder) -> None:
    assert folder.claim("12345")
    assert not folder.close("lost")
    assert folder.close("over", ended=Claim("12345", 0))
    assert not folder.claim("12345", 1)


def test_a_job_that_died_while_it_claimed_keeps_others_out_and_may_come_again(folder: JobFolder) -> None:
    steps = claiming(folder, "12345", 0, "lot")
    next(steps)
    assert folder.claims() == (Claim("12345", 0),)
    assert not folder.claim("12346")
    assert folder.claim("12345", 1)


def test_where_there_are_no_hard_links_a_claim_is_exclusive_too(
    folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_old: str, _new: str) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(files.os, "link", refuse)
    assert folder.claim("12345")
    assert not folder.claim("12346")
    assert folder.claims() == (Claim("12345", 0),)


def test_a_link_whose_answer_was_lost_counts_as_made(folder: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def lose(old: str, new: str) -> None:
        link(old, new)
        raise FileExistsError

    monkeypatch.setattr(files.os, "link", lose)
    assert folder.claim("12345")
    assert not folder.claim("12346")


def test_of_two_who_make_a_file_one_is_told_so(tmp_path: Path) -> None:
    assert take(f"{tmp_path}/it", b"a")
    assert not take(f"{tmp_path}/it", b"b")
    assert Path(tmp_path, "it").read_bytes() == b"a"
    assert os.listdir(tmp_path) == ["it"]


def test_names_of_claims_that_are_none_are_passed_over() -> None:
    names = ["claim", "claim.1", "claim.16.pbs01.3", "claim..1", "claim.7.x", ".claim.7.0.new", "closed"]
    assert listed(names) == [Claim("16.pbs01", 3)]
    assert parse_claim(b"") is None
    assert parse_claim(b"[1]") is None
    assert merge(None, []) == ()
    assert same_job("16", "16.pbs01.example.org")
    assert not same_job("1", "16")


# ---------------------------------------------------------------- all interleavings


class Shelf:
    """Files of a folder in memory; with `torn`, nobody can read them yet, as happens where there are no hard links."""

    def __init__(self, *, torn: bool = False) -> None:
        self.held: dict[str, bytes] = {}
        self.torn = torn

    def take(self, name: str, content: bytes) -> bool:
        if name in self.held:
            return False
        self.held[name] = content
        return True

    def read_part(self, name: str) -> bytes | None:
        return b"" if self.torn and name in self.held else self.held.get(name)

    def names(self) -> list[str]:
        return list(self.held)


Steps = Generator[None, None, bool]


def play(steps: list[Steps], choose: random.Random, crash: float) -> list[bool | None]:
    """Take steps of all in any order; some crash; return what each was told, None for the dead."""
    told: list[bool | None] = [None] * len(steps)
    alive = list(range(len(steps)))
    while alive:
        which = choose.choice(alive)
        if choose.random() < crash:
            alive.remove(which)
            continue
        try:
            next(steps[which])
        except StopIteration as end:
            told[which] = end.value
            alive.remove(which)
    return told


@given(st.integers(1, 4), st.randoms(use_true_random=False), st.sampled_from([0.0, 0.1]), st.booleans())
def test_of_jobs_that_claim_at_once_at_most_one_works(
    jobs: int, choose: random.Random, crash: float, torn: bool
) -> None:
    shelf = Shelf(torn=torn)
    told = play([claiming(shelf, f"{number}", 0, f"{number}") for number in range(jobs)], choose, crash)
    assert told.count(True) <= 1
    if not crash:
        assert told.count(True) == 1


@given(st.integers(1, 3), st.randoms(use_true_random=False), st.booleans())
def test_whoever_closes_or_claims_at_least_one_of_them_sees_the_other(
    jobs: int, choose: random.Random, torn: bool
) -> None:
    shelf = Shelf(torn=torn)
    steps = [closing(shelf, "why", "d", None), *(claiming(shelf, f"{each}", 0, f"{each}") for each in range(jobs))]
    closed, *claimed = play(steps, choose, 0.0)
    assert claimed.count(True) + bool(closed) <= 1
    assert FIRST in shelf.held
    assert CLOSED in shelf.held


@given(st.integers(1, 3), st.randoms(use_true_random=False))
def test_a_start_of_a_job_that_is_being_settled_works_or_is_seen(starts: int, choose: random.Random) -> None:
    shelf = Shelf()
    play([claiming(shelf, "1", 0, "a")], choose, 0.0)
    steps = [
        closing(shelf, "why", "d", Claim("1", 0)),
        *(claiming(shelf, "1", each, f"{each}") for each in range(1, starts + 1)),
    ]
    settled, *again = play(steps, choose, 0.0)
    assert not (settled and any(again))


@given(st.randoms(use_true_random=False))
def test_of_two_processes_of_the_same_start_one_works(choose: random.Random) -> None:
    shelf = Shelf()
    assert play([claiming(shelf, "1", 0, "a"), claiming(shelf, "1", 0, "b")], choose, 0.0).count(True) <= 1


# ---------------------------------------------------------------- jobs that are settled


def test_what_is_settled_is_kept_in_order_and_told_once(tmp_path: Path) -> None:
    root = str(tmp_path)
    Path(root, "jobs").mkdir()
    assert read_settled(root) == {}
    one = Settled(KEY, "12", exit=75, why="deadline", spent=384.5, records=31, site="theta")
    other = Settled("hm0a1b2-0002-x7", why="withdrawn", text="refused: no\nmore")
    for each in (one, other, one.replace(records=32)):
        add_settled(root, each)
    assert list(read_settled(root).values()) == [other, one.replace(records=32)]


def test_a_torn_line_of_what_is_settled_is_passed_over_and_the_next_one_counts(tmp_path: Path) -> None:
    root = str(tmp_path)
    Path(root, "jobs").mkdir()
    add_settled(root, Settled(KEY))
    path = Path(root, "jobs", "settled")
    path.write_bytes(path.read_bytes()[:-20])
    add_settled(root, Settled("hm0a1b2-0002-x7"))
    assert list(read_settled(root)) == ["hm0a1b2-0002-x7"]
