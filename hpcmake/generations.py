"""The files of a lease: one for each generation, and the bells that are rung at one.

Owns how exactly one process makes a file on a file system that many share.  Knows nothing of who is alive, nor of when
to take a lease.

A name is made by a call that a server refuses to all but one; what is only read may be seconds old elsewhere.
"""

from __future__ import annotations

import errno
import os
import re
from json import dumps, loads

from hpcmake.contents import NO_LINKS, forget, write_file
from hpcmake.holders import Holder, parse_holder
from hpcmake.refusals import trouble

_SIZE = 1024  # of a lease, filled up with blanks, so that a new one fits into the place of the old one
_NAME = re.compile(r"lease\.([0-9]+)")
_NAME_OR_BELL = re.compile(r"lease\.([0-9]+)(?:\.[0-9]+)?")
_FRESH = "lease.new."
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def find_generations(folder: str) -> list[int]:
    """Return the generations of which there is a file, the highest last.  Raises Trouble."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise trouble(error, "list", folder) from None
    return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))


def read_top(folder: str) -> tuple[int, Holder | None]:
    """Return the highest generation (0: none) and its holder (None: it does not say who).  Raises Trouble."""
    while True:
        generations = find_generations(folder)
        if not generations:
            return 0, None
        path = f"{folder}/lease.{generations[-1]}"
        try:
            with open(path, "rb") as file:
                raw = file.read()
        except FileNotFoundError:  # there is a higher one by now
            continue
        except OSError as error:
            raise trouble(error, "read", path) from None
        try:
            return generations[-1], parse_holder(loads(raw))
        except ValueError:
            return generations[-1], None


def find_moved(folder: str, generation: int) -> float:
    """Return when a lease was last written, by the clock of its file system; 0 if it is gone."""
    try:
        return os.stat(f"{folder}/lease.{generation}").st_mtime
    except OSError:
        return 0.0


# ---------------------------------------------------------------- taking and keeping


def take(folder: str, generation: int, me: Holder) -> bool:
    """Try to make the lease of a generation ours: exactly one process can.  Raises Trouble."""
    fresh = f"{folder}/{_FRESH}{me.pid}.{os.urandom(8).hex()}"
    path = f"{folder}/lease.{generation}"
    try:
        _write(fresh, _render(me), os.O_CREAT | os.O_EXCL)
        try:
            taken = _link(fresh, path, me)
        finally:
            forget(fresh)
    except OSError as error:
        raise trouble(error, "take the lease in", folder) from None
    if not taken:
        return False
    # One that slept between looking and taking may get an old name that has been cleaned up since.  The highest never
    # is, so whoever sees a higher one than its own is late.
    if find_generations(folder)[-1:] != [generation]:
        forget(path)
        return False
    _clean(folder, generation)
    return True


def rewrite(folder: str, generation: int, holder: Holder) -> None:
    """Write the lease of a generation, which is ours, anew.  Raises OSError."""
    path = f"{folder}/lease.{generation}"
    text = _render(holder)
    fresh = f"{folder}/{_FRESH}{os.getpid()}.{generation}"
    try:
        _write(fresh, text, os.O_CREAT | os.O_TRUNC)
        os.replace(fresh, path)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _write(path, text, 0)  # a full disk still has the room that we have on it


def _link(fresh: str, path: str, me: Holder) -> bool:
    try:
        os.link(fresh, path)
    except OSError as error:
        if error.errno in NO_LINKS:
            return _create(path, me)
        if error.errno == errno.ENOENT:  # cleaned up by who was quicker
            return False
        if error.errno != errno.EEXIST:
            raise
        # NFS may do it, lose the answer, and refuse the repetition.
        try:
            return os.path.samefile(fresh, path)
        except FileNotFoundError:  # cleaned up by who was quicker, at any moment
            return False
    return True


def _create(path: str, me: Holder) -> bool:
    """Take a lease where there are no hard links: exclusive too, but for a moment it does not say whose it is."""
    try:
        _write(path, _render(me), os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return False
    return True


def _clean(folder: str, generation: int) -> None:
    """Remove what is older than the lease of a generation, which we have."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        match = _NAME_OR_BELL.fullmatch(name)
        if name.startswith(_FRESH) or (match and int(match[1]) < generation):
            forget(f"{folder}/{name}")


def _render(holder: Holder) -> bytes:
    return dumps(holder.plain()).encode("ascii").ljust(_SIZE - 1) + b"\n"


def _write(path: str, text: bytes, flags: int) -> None:
    write_file(path, text, flags, durable=False)  # its holder dies with the machine


# ---------------------------------------------------------------- bells

# Who finds a living holder, and leaves its work to it, rings: it hangs the next `lease.GENERATION.NUMBER`.  Who
# releases hangs its end there.  Each number is hung by one process only, so either the holder learns that somebody
# came, and looks again before it goes; or who came learns that it has gone.  By reading alone neither may: each may be
# shown what was so some seconds ago, and both would leave.  What is hung is a link, which says what it is by itself:
# no file that is made first and filled later.

_END = "end"


def ring(folder: str, generation: int) -> bool:
    """Tell the holder of a generation, which lives, that there is more to look at: it will, or dies before it releases.

    Return False if it has released, or another has taken over.  Raises Trouble.
    """
    number = 1
    word = f"rung {_token()}"
    while (hung := _hang(folder, generation, number, word)) != word:
        if hung.startswith(_END):
            return False
        number += 1
    if find_generations(folder)[-1:] == [generation]:
        return True
    forget(f"{folder}/lease.{generation}.{number}")
    return False


def hang_end(folder: str, generation: int, number: int) -> bool:
    """Say that the holder of a generation goes; False if somebody has hung that number before.  Raises Trouble."""
    word = f"{_END} {_token()}"
    return _hang(folder, generation, number, word) == word


def _hang(folder: str, generation: int, number: int, word: str) -> str:
    """Hang the word under a number, and return which one hangs there: this, or what was there before."""
    path = f"{folder}/lease.{generation}.{number}"
    try:
        os.symlink(word, path)
    except FileExistsError:
        try:
            return os.readlink(path)  # ours too, if NFS did it, lost the answer, and refused the repetition
        except OSError:
            return _END  # cleaned up: a higher generation was taken
    except OSError as error:
        if error.errno in NO_LINKS | _FULL:  # then nobody can ring: what is read must do
            return word
        raise trouble(error, "ring at the lease in", folder) from None
    return word


def _token() -> str:
    return os.urandom(8).hex()
