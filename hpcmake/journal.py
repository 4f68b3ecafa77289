"""The append-only record of what was run: lines with checksums, in one file for each process that writes.

Owns the one writer, and the folder with its live files and the folded one.  Knows nothing of what a record means, nor
of what is inside the folded file.
"""

from __future__ import annotations

import os
import re
import time

from hpcmake.contents import forget, sync_folder, write_all
from hpcmake.diagnostics import Trouble
from hpcmake.lines import parse_blocks, parse_records, render_record
from hpcmake.refusals import refusal, trouble

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from mmap import mmap
    from typing import Any

    from hpcmake.diagnostics import Diagnostic
    from hpcmake.lines import Damage

FOLDER = ".hpcmake"
"""Where a campaign keeps what is its own, in its root."""

# ---------------------------------------------------------------- writing


class JournalError(Trouble):
    """A record could not be written, or made safe; `path` is the file."""

    def __init__(self, diagnostic: Diagnostic, path: str) -> None:
        super().__init__(diagnostic)
        self.path = path


_UNWRITTEN = "what just ended is not recorded, and runs again next time; all that was recorded before is safe"
_UNSAFE = "records of the last seconds are lost if this machine goes down now; none is if it does not"

_TAIL = 1 << 22  # bytes: the longest line that may be half written at the end of a file

_AT_ONCE = frozenset({"launch", "unlaunch", "run"})
"""Kinds of records that are not kept back: what they say must be known before what follows."""


class JournalWriter:
    """Appends records to a file of its own, each with one write, so that a killed process loses none.

    The file is made by the first record.  `tick` is called now and then: it makes safe against a crash of the machine
    what was appended, at most once in `every` seconds.

    With `gather` seconds, records are kept that long and written together, as is right for a file system that all nodes
    of a machine share: what is lost with this process is run again.  One that says what is about to be started is
    written at once, behind all before it.

    `is_new`: nobody has written to it before.  Else it is gone on with, behind the last record that is whole: by the
    same job, which was started again.
    """

    def __init__(
        self, path: str, *, every: float = 1.0, clock: Callable[[], float] = time.monotonic, is_new: bool = True
    ) -> None:
        self.path = path
        self._is_new = is_new
        self.length = 0  # bytes
        self._every = every
        self._clock = clock
        self._file = -1
        self._torn = False
        self._unsafe_since: float | None = None
        self._entered = False  # whether the folder's entry is safe
        self.gather = 0.0
        self._gathered = bytearray()
        self._gathered_since = 0.0

    def append(self, record: Mapping[str, Any]) -> None:
        """Write one record.  Raises JournalError: then the record is not in the file, and a later one may be."""
        line = render_record(record)
        if self.gather:
            self._gathered_since = self._gathered_since if self._gathered else self._clock()
            self._gathered += line
            if record["k"] in _AT_ONCE or self._clock() - self._gathered_since >= self.gather:
                self.flush()
        else:
            self._append(line)

    def flush(self) -> None:
        """Write what was gathered.  Raises JournalError."""
        if self._gathered:
            lines, self._gathered = bytes(self._gathered), bytearray()
            self._append(lines)

    def _append(self, line: bytes) -> None:
        try:
            if self._file < 0:
                flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | (os.O_EXCL if self._is_new else 0)
                self._file = os.open(self.path, flags, 0o666)
                self._go_on()
            if self._torn:
                self._write(b"!\n")  # even one that lacks nothing but its end is none: it was told to be lost
                self._torn = False
            self._write(line)
        except OSError as error:
            raise JournalError(refusal(error, "append to", self.path, consequence=_UNWRITTEN), self.path) from None
        if self._unsafe_since is None:
            self._unsafe_since = self._clock()

    def _go_on(self) -> None:
        """Find where to go on: a last line without an end is ended if it is a record, and else cut off."""
        self.length = os.fstat(self._file).st_size
        if not self.length:
            return
        start = max(0, self.length - _TAIL)
        tail = os.pread(self._file, self.length - start, start)
        rest = tail[tail.rfind(b"\n") + 1 :]
        if rest and parse_records(rest, self.path)[0]:
            self._write(b"\n")
        elif rest:
            os.ftruncate(self._file, self.length - len(rest))
            self.length -= len(rest)

    def _write(self, line: bytes) -> None:
        written = 0
        try:
            while written < len(line):  # a nearly full disk takes a part, and refuses the rest
                written += os.write(self._file, line[written:])
        except OSError:
            if written:
                self._take_back(written)
            raise
        self.length += written

    def _take_back(self, written: int) -> None:
        """Cut a half-written line off, or else remember that the next one must end it first."""
        try:
            os.ftruncate(self._file, self.length)
        except OSError:
            self._torn = True
            self.length += written

    def sync(self) -> None:
        """Make safe what was appended.  Raises JournalError."""
        self.flush()
        if self._unsafe_since is None:
            return
        try:
            os.fsync(self._file)
            if not self._entered:
                sync_folder(os.path.dirname(self.path))
                self._entered = True
        except OSError as error:
            raise JournalError(refusal(error, "make safe", self.path, consequence=_UNSAFE), self.path) from None
        self._unsafe_since = None

    def tick(self) -> None:
        """Write, and call `sync`, if the oldest record has waited long enough for that.  Raises JournalError."""
        if self._gathered and self._clock() - self._gathered_since >= self.gather:
            self.flush()
        if self._unsafe_since is not None and self._clock() - self._unsafe_since >= self._every:
            self.sync()

    def close(self) -> None:
        """Make safe what was appended, and close the file.  Raises JournalError."""
        if self._file < 0 and not self._gathered:
            return
        try:
            self.sync()
        finally:
            os.close(self._file)
            self._file = -1


# ---------------------------------------------------------------- the folder

_LIVE = re.compile(r"journal\.([0-9]+)\.jsonl")
_FOLD = "journal.fold"
_UNREAD = "without it all that was recorded there is unknown, so nothing is run"
_UNFOLDED = "nothing is lost: the records stay in the files where they are"


class JournalFolder:
    """The files of the journal in one folder: a live one for each writer, and the folded one that covers older ones.

    What is inside the folded file is its author's; but it must hold the names of the live files that it covers, and how
    many bytes of each, and give them back as `covered`.  So a crash between the rename of a new folded file and
    the removal of what it covers counts nothing twice, and what was appended after the fold is not lost.
    """

    def __init__(self, path: str = ".hpcmake") -> None:
        self.path = path
        self.seen: dict[str, int] = {}
        """How much of each live file was read, or was folded before: what a new folded file may cover, and no more."""
        self._generations: dict[str, int] = {}
        """The live file of the driver that has submitted each job."""

    def exists(self) -> bool:
        """Return whether there is any journal.  Raises Trouble."""
        return bool(self.live()) or os.path.exists(self._of(_FOLD))

    def live(self) -> list[str]:
        """Return the names of the live files, oldest first.  Raises Trouble."""
        try:
            names = os.listdir(self.path)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise trouble(error, "list", self.path, consequence=_UNREAD) from None
        found = [((int(match[1]), 0, ""), name) for name in names if (match := _LIVE.fullmatch(name))]
        if "jobs" in names:
            found += self._of_jobs()
        return [name for _, name in sorted(found)]

    def _of_jobs(self) -> list[tuple[tuple[int, int, str], str]]:
        """Return the records of jobs: each comes behind the live file of the driver that has submitted it."""
        found = []
        for entry in os.scandir(self._of("jobs")):
            if not _KEY.fullmatch(entry.name) or not os.path.exists(f"{entry.path}/records.jsonl"):
                continue
            if entry.name not in self._generations:
                self._generations[entry.name] = _generation_of(f"{entry.path}/intent")
            number = entry.name.split("-")[1]
            found.append(((self._generations[entry.name], 1, number), f"jobs/{entry.name}/records.jsonl"))
        return found

    def uncovered(self, covered: Mapping[str, int]) -> list[tuple[str, int]]:
        """Return the live files that are not folded as a whole, each with the byte to go on from.  Raises Trouble."""
        return [(name, covered.get(name, 0)) for name in self.live() if self._length(name) > covered.get(name, 0)]

    def _length(self, name: str) -> int:
        try:
            return os.stat(self._of(name)).st_size
        except FileNotFoundError:  # folded by its holder just now
            return 0
        except OSError as error:
            raise trouble(error, "look at", self._of(name), consequence=_UNREAD) from None

    def state(self) -> tuple[object, ...]:
        """Return what tells one state of the journal's files from another, without reading them.  Raises Trouble."""
        return (self.fold_state(), *((name, self._length(name)) for name in self.live()))

    def fold_state(self) -> tuple[int, int, int]:
        """Return what tells one folded file from another: inode, mtime in ns, and size; all 0 if there is none."""
        try:
            found = os.stat(self._of(_FOLD))
        except OSError:
            return 0, 0, 0
        return found.st_ino, found.st_mtime_ns, found.st_size

    def read_live(self, name: str) -> bytes:
        """Return the content of a live file; nothing if it was folded just now.  Raises Trouble."""
        try:
            with open(self._of(name), "rb", buffering=0) as file:
                return file.read()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise trouble(error, "read", self._of(name), consequence=_UNREAD) from None

    def read_records(self, covered: Mapping[str, int], damage: list[Damage]) -> Iterator[list[dict[str, Any]]]:
        """Yield what is not in the folded file, oldest first, in lists; append to `damage`.  Raises Trouble.

        A driver may fold meanwhile: who holds no lease must look afterwards whether `fold_state` is still the same.
        """
        self.seen = {name: covered[name] for name in self.live() if name in covered}
        for name, start in self.uncovered(covered):
            raw = self.read_live(name)
            self.seen[name] = len(raw)
            if name.startswith("jobs/"):  # a torn end says «not yet», or that the job was killed
                self.seen[name] = raw.rfind(b"\n") + 1
                found: list[Damage] = []
                yield from parse_blocks(raw, self._of(name), found, start)
                damage += [each for each in found if not each.torn]
            else:
                yield from parse_blocks(raw, self._of(name), damage, start)

    def read_fold(self) -> bytes | mmap | None:
        """Return the folded file, mapped if it is large; None if there is none.  Raises Trouble."""
        path = self._of(_FOLD)
        try:
            with open(path, "rb", buffering=0) as file:
                if os.fstat(file.fileno()).st_size < _LARGE:
                    return file.read()
                import mmap  # a small campaign has no use for it

                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise trouble(error, "read", path, consequence=_UNREAD) from None

    def replace_fold(self, chunks: Iterable[bytes], covers: Mapping[str, int]) -> None:
        """Put a new folded file in the place of the old one, then remove the live files that it covers.

        Killed anywhere, this leaves either the old folded file with all that is live, or the new one.  Raises Trouble.
        """
        path = self._of(_FOLD)
        fresh = path + ".new"
        try:
            os.makedirs(self.path, exist_ok=True)
            with open(fresh, "wb", buffering=0) as file:
                for chunk in chunks:
                    write_all(file.fileno(), chunk)
                os.fsync(file.fileno())
            os.replace(fresh, path)
            sync_folder(self.path)
        except OSError as error:
            forget(fresh)
            raise trouble(error, "write", path, consequence=_UNFOLDED) from None
        self.sweep(covers)

    def keep_damaged_fold(self) -> None:
        """Keep the folded file under another name as well, since it is about to be replaced and was not understood."""
        path = self._of(_FOLD)
        forget(path + ".damaged")
        try:  # noqa: SIM105  # contextlib is slow to import
            os.link(path, path + ".damaged")
        except OSError:
            pass

    def sweep(self, covered: Mapping[str, int]) -> None:
        """Remove live files that the folded file covers as a whole, also those that a killed sweep left behind."""
        for name, length in covered.items():
            if _LIVE.fullmatch(name) and self._length(name) == length:
                forget(self._of(name))

    def open_writer(self, generation: int, covered: Mapping[str, int]) -> JournalWriter:
        """Return the writer of a new live file: that of a generation, or of a later one where its name was taken.

        `covered` keeps a name from coming back while the folded file still says that it has read it.  Raises Trouble.
        """
        known = [int(match[1]) for name in (*covered, *self.live()) if (match := _LIVE.fullmatch(name))]
        number = max(generation, max(known, default=0) + 1)
        return JournalWriter(self._of(f"journal.{number}.jsonl"))

    def _of(self, name: str) -> str:
        return f"{self.path}/{name}"


_LARGE = 1 << 16
_KEY = re.compile(r"hm[0-9a-f]{5}-[0-9a-z]{4}-[0-9a-z]{2}")


def _generation_of(path: str) -> int:
    from json import loads

    try:
        with open(path, "rb") as file:
            return int(loads(file.read())["live"])
    except (OSError, ValueError, KeyError, TypeError):  # then it was not submitted, and has no records
        return 0
