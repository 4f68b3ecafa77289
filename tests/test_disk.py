"""The disk: what is there is seen, at the least cost; what is changed is changed as a whole, and refusals are told."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpcmake import disk as disk_module
from hpcmake import stamps as stamps_module
from hpcmake.diagnostics import Trouble, render_all
from hpcmake.disk import Disk
from hpcmake.runners.node.stamps import find_stamp

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(path: str, text: str = "", mtime: int | None = None) -> str:
    if os.path.dirname(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
    Path(path).write_text(text)
    if mtime is not None:
        os.utime(path, ns=(mtime, mtime))
    return path


def refuse(number: int) -> Callable[..., Any]:
    def call(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


def told(error: Trouble) -> str:
    return render_all(error.diagnostics)


# ---------------------------------------------------------------- listing


def test_a_listing_tells_files_from_folders_and_follows_links() -> None:
    put("a/file")
    os.mkdir("a/folder")
    os.symlink("folder", "a/to-folder")
    os.symlink("file", "a/to-file")
    os.symlink("nowhere", "a/to-nothing")
    os.symlink("itself", "a/itself")
    assert Disk().names("a") == {
        "file": False,
        "folder": True,
        "to-folder": True,
        "to-file": False,
        "to-nothing": False,
        "itself": False,
    }


def test_where_is_no_folder_there_is_no_listing() -> None:
    put("file")
    assert [Disk().names(folder) for folder in ("none", "file", "none/none", "x" * 300)] == [None] * 4


def test_the_root_is_the_empty_text() -> None:
    put("a/b")
    assert Disk().names("") == {"a": True}


def test_a_folder_is_listed_once_until_something_was_run() -> None:
    put("a/1")
    disk = Disk()
    assert disk.names("a") == {"1": False}
    put("a/2")
    put("b/3")
    assert disk.names("a/") == {"1": False}
    assert disk.names("b") == {"3": False}
    assert disk.counts["listings"] == 2
    disk.refresh(["a/"])
    assert (disk.names("a"), disk.names("b")) == ({"1": False, "2": False}, {"3": False})
    assert disk.counts["listings"] == 3
    disk.refresh()
    assert disk.names("b") == {"3": False}
    assert disk.counts["listings"] == 4


def test_names_are_any_bytes() -> None:
    name = os.fsdecode(b"\xff\n\x01")
    put(f"a/{name}", mtime=5)
    disk = Disk()
    assert disk.names("a") == {name: False}
    assert disk.stamps([f"a/{name}"]) == [(5, 0)]


# ---------------------------------------------------------------- stamps


def test_a_stamp_is_mtime_and_size_of_what_a_link_leads_to() -> None:
    put("a", "four", mtime=1795355321276764644)
    os.symlink("a", "link")
    os.symlink("none", "dangling")
    put("old", mtime=-5)
    assert Disk().stamps(["a", "link", "dangling", "none", "a/below", "x" * 300, "old"]) == [
        (1795355321276764644, 4),
        (1795355321276764644, 4),
        None,
        None,
        None,
        None,
        (-5, 0),
    ]


def test_a_folder_has_the_stamp_that_a_node_gives_it() -> None:
    put("d/b", "12", mtime=7)
    put("d/sub/c", "345", mtime=8)
    put("d/sub.x", "6", mtime=9)
    os.makedirs("d/empty")
    os.symlink("../b", "d/sub/link")
    os.symlink("..", "d/sub/up")
    os.symlink("none", "d/nothing")
    before = Disk().stamps(["d/"])
    assert before == [find_stamp("d/")]
    put("d/sub/c", "345", mtime=10)
    assert Disk().stamps(["d/"]) != before
    assert Disk().stamps(["none/", "d/b/"]) == [None, None]


def test_absolute_paths_are_stamped_too(root: Path) -> None:
    put("a", "1", mtime=3)
    assert Disk().stamps([f"{root}/a", f"{root}/none"]) == [(3, 1), None]
    assert Disk().stamps(["/none"] * 20 + ["/none/none"] * 20) == [None] * 40


def many(folder: str, there: int, missing: int = 0) -> list[str]:
    paths = [put(f"{folder}/{number}", "x", mtime=number) for number in range(there)]
    return paths + [f"{folder}/missing{number}" for number in range(missing)]


def test_few_files_of_a_folder_are_looked_at_without_listing_it() -> None:
    disk = Disk()
    assert sum(found is not None for found in disk.stamps(many("a", 8, 8))) == 8
    assert disk.counts == {"listings": 0, "stats": 16}


def test_of_many_files_of_a_folder_only_those_that_are_there_are_looked_at() -> None:
    disk = Disk()
    assert sum(found is not None for found in disk.stamps(many("a", 8, 900))) == 8
    assert disk.counts == {"listings": 1, "stats": 8}


def test_what_a_listing_does_not_name_is_not_looked_at() -> None:
    paths = many("a", 2, 2)
    disk = Disk()
    disk.names("a")
    assert disk.stamps(paths) == [(0, 1), (1, 1), None, None]
    assert disk.counts == {"listings": 1, "stats": 2}


def test_what_was_made_after_a_listing_is_seen_when_it_is_asked_for_anew() -> None:
    disk = Disk()
    disk.names("")
    put("new", mtime=1)
    assert disk.stamps(["new"]) == [None]
    assert disk.stamp_now("new") == (1, 0)
    disk.refresh()
    assert disk.stamps(["new"]) == [(1, 0)]


def test_one_look_above_tells_that_many_folders_are_missing() -> None:
    disk = Disk()
    assert set(disk.stamps([f"out/{folder}/{file}" for folder in range(100) for file in range(50)])) == {None}
    assert disk.counts["listings"] == 1
    assert disk.counts["stats"] <= 256


def test_when_all_of_very_many_are_there_each_is_looked_at_once_and_nothing_is_listed() -> None:
    paths = [path for folder in "abcde" for path in many(folder, 1000)]
    disk = Disk()
    mtimes, sizes, present = disk.stamp_columns(paths)
    assert list(mtimes) == [*range(1000)] * 5
    assert list(sizes) == [1] * 5000
    assert present == b"\1" * 5000
    assert disk.counts == {"listings": 0, "stats": 5000}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_is_there_the_stamps_are_those_of_the_system(root: Path, data: st.DataObject) -> None:
    names = st.sampled_from(["a", "b", "a/1", "a/2", "a/b/c", "b/1", "b/x", "a/b/", "a/", ".", f"{root}/a/1"])
    paths = data.draw(st.lists(names, max_size=40))
    for path in data.draw(st.sets(st.sampled_from(["a/1", "a/2", "a/b/c", "b/1"]))):
        put(path, "text", mtime=data.draw(st.integers(0, 2**60)))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(disk_module, "_MANY", data.draw(st.sampled_from([0, 10, 4096])))
        monkeypatch.setattr(disk_module, "_FEW", data.draw(st.sampled_from([1, 2, 16])))
        monkeypatch.setattr(disk_module, "_SAMPLE", data.draw(st.sampled_from([1, 3, 256])))
        disk = Disk()
        for folder in data.draw(st.sets(st.sampled_from(["", "a", "b", "a/b", "none"]))):
            disk.names(folder)
        found = disk.stamps(paths)
    assert found == [find_stamp(path) for path in paths]
    for folder in ("a", "b"):
        Disk().remove(f"{folder}/")


# ---------------------------------------------------------------- slow file systems


class SlowServer:
    """A file system on which each look takes some time, by a clock that only looks move."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        self.time = 0.0
        self.looks = 0
        stat_now = os.stat

        def look(path: str) -> os.stat_result:
            self.time += seconds
            self.looks += 1
            return stat_now(path)

        monkeypatch.setattr(os, "stat", look)
        monkeypatch.setattr(stamps_module.time, "perf_counter", lambda: self.time)


@pytest.mark.parametrize("seconds", [3e-6, 1e-3])
def test_a_slow_server_gives_the_same(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    paths = many("a", 1000)
    server = SlowServer(monkeypatch, seconds)
    mtimes, _, present = stamps_module.look_at_all(paths)
    assert (list(mtimes), sum(present), server.looks) == ([*range(1000)], 1000, 1000)


def test_a_refusal_by_a_slow_server_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = many("a", 999)
    SlowServer(monkeypatch, 1e-3)
    look = os.stat

    def refuse_one(path: str) -> os.stat_result:
        if path == "a/777":
            raise OSError(errno.ESTALE, "")
        return look(path)

    monkeypatch.setattr(os, "stat", refuse_one)
    with pytest.raises(Trouble) as caught:
        stamps_module.look_at_all(paths)
    assert told(caught.value) == (
        "error[E703]: cannot look at `a/777`: stale file handle\n"
        "  help: see what is there with `ls -ld a/777`, and run hpcmake again\n"
    )


# ---------------------------------------------------------------- shared with other processes


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stamps_module, "_SHARED", 300)
    monkeypatch.setattr(stamps_module, "_SLOW", 1e9)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})


def odd_ones() -> list[str]:
    """Return paths of all sorts, so many that each of three processes gets some of each."""
    os.symlink("loop", "loop")
    put(os.fsdecode(b"\xff\n"), mtime=4)
    put("folder/file", mtime=3)
    sorts = ["folder/", "none", "loop", os.fsdecode(b"\xff\n"), "folder/file/x", "x" * 300, "none/"]
    return many("a", 400) + sorts * 60


def test_what_other_processes_see_is_what_this_one_sees(shared: None) -> None:
    paths = odd_ones()
    assert Disk().stamps(paths) == [find_stamp(path) for path in paths]


@pytest.mark.parametrize(
    "program", ["raise SystemExit(1)", "import os; os.write(1, b'nonsense')", "import os; os.close(0); os.read(1, 1)"]
)
def test_if_other_processes_fail_this_one_does_their_work(
    root: Path, shared: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], program: str
) -> None:
    put("stamper.py", program)
    monkeypatch.setattr(stamps_module, "__file__", str(root / "stamps.py"))
    paths = odd_ones()
    assert Disk().stamps(paths) == [find_stamp(path) for path in paths]


def test_if_no_other_process_can_be_started_this_one_does_all(shared: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "posix_spawn", refuse(errno.EAGAIN))
    paths = odd_ones()
    assert Disk().stamps(paths) == [find_stamp(path) for path in paths]


def test_a_refusal_in_another_process_is_told(root: Path, shared: None, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = many("a", 700)
    put(
        "stamper.py",
        "import os, sys\nn = os.read(0, 1 << 20).count(b'\\0') + 1\nos.write(1, bytes(16 * n) + b'\\2' * n)",
    )
    monkeypatch.setattr(stamps_module, "__file__", str(root / "stamps.py"))
    look = os.stat

    def refuse_one(path: str) -> os.stat_result:
        if path == "a/600":
            raise OSError(errno.EACCES, "")
        return look(path)

    monkeypatch.setattr(os, "stat", refuse_one)
    with pytest.raises(Trouble) as caught:
        stamps_module.look_at_all(paths)
    assert told(caught.value) == (
        "error[E701]: cannot look at `a/600`: permission denied\n"
        "  help: see who may (`ls -ld a a/600`) and mend it with `chmod`\n"
    )


def test_a_folder_that_may_not_be_listed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "scandir", refuse(errno.EACCES))
    with pytest.raises(Trouble) as caught:
        Disk().names("of/others")
    assert told(caught.value) == (
        "error[E701]: cannot list `of/others`: permission denied\n"
        "  help: see who may (`ls -ld of of/others`) and mend it with `chmod`\n"
    )


# ---------------------------------------------------------------- content


def test_a_file_is_read_as_it_is() -> None:
    Path("a").write_bytes(b"\0\r\n\xff")
    assert Disk().read("a") == b"\0\r\n\xff"
    with pytest.raises(FileNotFoundError):
        Disk().read("none")


def test_the_digest_is_that_of_the_content() -> None:
    put("a", "same", mtime=1)
    put("b", "same", mtime=2)
    put("c", "other")
    disk = Disk()
    assert disk.digest("a") == disk.digest("b") != disk.digest("c")
    assert disk.digest("a") == "0967115f2813a3541eaef77de9d9d577"
    with pytest.raises(FileNotFoundError):
        disk.digest("none")


def test_the_digest_of_a_folder_is_that_of_names_and_contents() -> None:
    for folder in ("one", "two", "three", "four"):
        put(f"{folder}/sub/a", "A")
        put(f"{folder}/b", "B")
        os.symlink("nowhere", f"{folder}/nothing")
        os.symlink("..", f"{folder}/sub/up")
    put("two/b", "C")
    os.rename("three/b", "three/c")
    one, two, three, four = (Disk().digest(f"{folder}/") for folder in ("one", "two", "three", "four"))
    assert one == four
    assert len({one, two, three}) == 3


# ---------------------------------------------------------------- changes


def test_a_file_is_replaced_as_a_whole_and_keeps_its_mode() -> None:
    put("a", "old")
    os.chmod("a", 0o755)
    Disk().replace("a", b"new")
    assert Path("a").read_bytes() == b"new"
    assert stat.S_IMODE(os.stat("a").st_mode) == 0o755
    assert os.listdir() == ["a"]


def test_a_link_stays_when_what_it_leads_to_is_replaced() -> None:
    put("real/a", "old")
    os.symlink("real/a", "a")
    Disk().replace("a", b"new")
    assert os.readlink("a") == "real/a"
    assert Path("real/a").read_bytes() == b"new"


def test_a_file_is_written_with_the_folders_above_it() -> None:
    Disk().replace("a/b/c", b"new")
    assert Path("a/b/c").read_bytes() == b"new"


@pytest.mark.parametrize("door", ["write", "fsync", "replace"])
def test_a_file_that_cannot_be_replaced_stays(monkeypatch: pytest.MonkeyPatch, door: str) -> None:
    put("a", "old")
    monkeypatch.setattr(os, door, refuse(errno.ENOSPC))
    with pytest.raises(Trouble) as caught:
        Disk().replace("a", b"new")
    assert told(caught.value) == (
        "error[E700]: cannot write `a`: no space left on device\n"
        "  help: what was there is unchanged\n"
        "        free some space (`df -h .`, or ask `quota`) and run hpcmake again\n"
    )
    assert os.listdir() == ["a"]
    assert Path("a").read_text() == "old"


def test_a_marker_is_made_empty_and_of_now() -> None:
    put("a", "old", mtime=5)
    before = os.stat(put("clock")).st_mtime_ns
    Disk().touch("a")
    Disk().touch("d/b")
    assert all(os.stat(path).st_size == 0 and os.stat(path).st_mtime_ns >= before for path in ("a", "d/b"))


def test_a_folder_where_a_file_is_in_the_way_is_told() -> None:
    put("a")
    Disk().make_folders(["", "b/c", "b/c/"])
    with pytest.raises(Trouble) as caught:
        Disk().make_folders(["a/b"])
    assert told(caught.value) == (
        "error[E703]: cannot make the folder `a/b`: not a directory\n"
        "  help: see what is there with `ls -ld a/b`, and run hpcmake again\n"
    )


ASIDE = ".hpcmake/aside"


def test_what_is_moved_aside_takes_the_place_of_the_attempt_before() -> None:
    for text in ("first", "second"):
        put("out/a", text)
        assert Disk().move_aside("out/a", ASIDE) == f"{ASIDE}/out/a"
    assert not os.path.exists("out/a")
    assert Path(f"{ASIDE}/out/a").read_text() == "second"
    assert Disk().move_aside("out/a", ASIDE) is None
    assert Path(f"{ASIDE}/out/a").read_text() == "second"


def test_folders_files_and_links_may_take_the_place_of_each_other_aside() -> None:
    put("x/file", "1")
    Disk().move_aside("x/", ASIDE)
    put("x", "2")
    Disk().move_aside("x", ASIDE)
    assert Path(f"{ASIDE}/x").read_text() == "2"
    put("x/file", "3")
    Disk().move_aside("x/file", ASIDE)
    assert Path(f"{ASIDE}/x/file").read_text() == "3"
    os.symlink("nowhere", "link")
    Disk().move_aside("link", ASIDE)
    assert os.readlink(f"{ASIDE}/link") == "nowhere"
    assert sorted(os.listdir()) == [".hpcmake", "x"]


def test_what_is_moved_to_another_file_system_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    put("out/a", "text", mtime=5)
    put("folder/b", "text")
    monkeypatch.setattr(os, "rename", refuse(errno.EXDEV))
    assert Disk().move_aside("out/a", ASIDE) == f"{ASIDE}/out/a"
    assert Disk().move_aside("folder/", ASIDE) == f"{ASIDE}/folder"
    assert Disk().stamps([f"{ASIDE}/out/a", "out/a", "folder/"]) == [(5, 4), None, None]
    assert os.listdir(f"{ASIDE}/folder") == ["b"]


def test_what_cannot_be_moved_aside_stays_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    put("out/a", "text")
    monkeypatch.setattr(os, "rename", refuse(errno.EROFS))
    with pytest.raises(Trouble) as caught:
        Disk().move_aside("out/a", ASIDE)
    assert told(caught.value) == (
        "error[E702]: cannot move aside `out/a`: read-only file system\n"
        "  help: it stays where it is\n"
        "        copy the campaign to a folder that can be written, and run hpcmake there\n"
    )
    assert os.path.exists("out/a")


def test_what_is_removed_is_gone() -> None:
    put("a")
    put("d/e/f")
    os.symlink("d", "link")
    os.chmod("d/e", 0o500)
    disk = Disk()
    assert [disk.remove(path) for path in ("a", "a", "none/a", "link", "d/", "d/")] == [
        True,
        False,
        False,
        True,
        True,
        False,
    ]
    assert os.listdir() == []


def test_a_folder_is_not_removed_in_the_place_of_a_file() -> None:
    put("d/a")
    with pytest.raises(Trouble):
        Disk().remove("d")
    assert os.listdir("d") == ["a"]


def test_protection_is_of_files_and_can_be_lifted() -> None:
    put("a")
    put("d/e/f")
    os.chmod("a", 0o755)
    disk = Disk()
    for path in ("a", "d/"):
        disk.protect(path)
    assert [stat.S_IMODE(os.stat(path).st_mode) & 0o222 for path in ("a", "d/e/f")] == [0, 0]
    assert stat.S_IMODE(os.stat("a").st_mode) == 0o555
    for path in ("a", "d/"):
        disk.unprotect(path)
    assert [stat.S_IMODE(os.stat(path).st_mode) & 0o200 for path in ("a", "d/e/f")] == [0o200, 0o200]
    with pytest.raises(Trouble) as caught:
        disk.protect("none")
    assert told(caught.value) == (
        "error[E703]: cannot protect `none`: no such file or directory\n"
        "  help: see what is there with `ls -ld none`, and run hpcmake again\n"
    )
