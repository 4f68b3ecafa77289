"""The folder for scripts: in memory where there is such a place, and never on a shared file system.

Owns its place and its end.  Knows nothing of scripts.
"""

import errno
import fcntl
import os

PLACES = ("/dev/shm", os.environ.get("TMPDIR", ""), "/tmp")  # noqa: S108  # the folder in it is ours alone
LONGEST = 200  # letters of a place: what is said of it has to fit into a line


def make_scratch() -> str:
    """Make a folder that only this user may enter; remove those of nodes that were killed.

    Raises OSError: there is no place.
    A node that lives holds a lock on its folder; in memory, and on local disks, locks can be relied on.
    """
    prefix = f"hpcmake-{os.getuid()}-"
    why = errno.ENOENT
    for place in PLACES:
        if not os.path.isabs(place) or len(place) > LONGEST:
            continue
        folder = f"{place}/{prefix}{os.getpid()}-{os.urandom(4).hex()}"
        try:
            os.mkdir(folder, 0o700)
            fcntl.flock(os.open(folder, os.O_RDONLY | os.O_CLOEXEC), fcntl.LOCK_EX)
            for name in os.listdir(place):
                if name.startswith(prefix):
                    sweep(place + "/" + name)
        except OSError as error:
            why = error.errno or why
            continue
        return folder
    raise OSError(why, os.strerror(why), "neither /dev/shm nor TMPDIR nor /tmp can be written")


def sweep(folder: str) -> None:
    """Remove a folder of scripts if no node holds it."""
    try:
        held = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return  # its node lives
    else:
        remove_scratch(folder)
    finally:
        os.close(held)


def remove_scratch(folder: str) -> None:
    """Remove a folder of scripts, if it is there."""
    try:
        for name in os.listdir(folder):
            os.unlink(folder + "/" + name)
        os.rmdir(folder)
    except OSError:
        return
