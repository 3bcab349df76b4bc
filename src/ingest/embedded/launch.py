"""A program that starts another one which cannot outlive its owner. Standard library only.

Runs as `python -I -S launch.py [options] -- program arguments…`, so that no code runs between
fork and exec in the owner, which may have threads. On Linux it asks the kernel for a
parent-death signal and becomes the program. Elsewhere it stays as a guard that watches a pipe
whose other end dies with the owner.

The kernel ties the signal to the *thread* that called Popen: call it from one that lives as
long as the owner, in practice the main thread.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import os
import pwd
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

IDENTITIES = ("self", "namespace", "nobody")
OVERFLOW_ID = 65534
LINUX: bool = sys.platform == "linux"

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


class _CapHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapData(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def nobody_ids() -> tuple[int, int]:
    """User and group id of `nobody`; the kernel's overflow ids where no such account exists."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        return OVERFLOW_ID, OVERFLOW_ID
    return entry.pw_uid, entry.pw_gid


def become(identity: str) -> None:
    """Stop being root in the way that `identity` names. Raises OSError where that is forbidden."""
    if identity == "namespace":
        _enter_user_namespace()
    elif identity == "nobody":
        _drop_to_nobody()


def _enter_user_namespace() -> None:
    """Be a plain user inside, root outside: files keep their owner, so nothing is chowned."""
    if not LINUX:
        raise OSError(errno.ENOSYS, "user namespaces exist on Linux only")
    uid, gid = os.geteuid(), os.getegid()
    _check(_libc().unshare(_CLONE_NEWUSER), "unshare")
    Path("/proc/self/setgroups").write_text("deny")  # the kernel wants this before gid_map
    Path("/proc/self/uid_map").write_text(f"{OVERFLOW_ID} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{OVERFLOW_ID} {gid} 1")


def _drop_to_nobody() -> None:
    """Be `nobody`, who may still walk through directories closed to others.

    A virtual environment under a 0700 home is unreadable to `nobody`, so the one capability
    that a plain container grants and that opens it is kept across exec.
    """
    uid, gid = nobody_ids()
    if LINUX:
        _check(_libc().prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl(PR_SET_KEEPCAPS)")
    os.setgroups([])
    os.setgid(gid)  # real, effective and saved, since we are root
    os.setuid(uid)
    if LINUX:
        _keep_walking_through_directories()


def _keep_walking_through_directories() -> None:
    mask = 1 << _CAP_DAC_OVERRIDE
    header = _CapHeader(_CAPABILITY_VERSION_3, 0)
    data = (_CapData * 2)(_CapData(mask, mask, mask), _CapData(0, 0, 0))
    _check(_libc().capset(ctypes.byref(header), data), "capset")
    raised = _libc().prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE, 0, 0)
    _check(raised, "prctl(PR_CAP_AMBIENT)")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, call: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")


def _exec_bound(program: Sequence[str], *, owner: int, death_signal: int) -> None:
    """Become the program, with a signal on the owner's death. Last, since a change of user
    clears it; and the owner may have died before the call, hence the second look."""
    _check(_libc().prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != owner:
        sys.exit(1)
    os.execvp(program[0], list(program))  # noqa: S606 - a shell is what we do not want


def _guard(program: Sequence[str], *, lifeline: int, death_signal: int) -> int:
    """Run the program as a child; pass signals on; end it when the owner's pipe closes."""
    with subprocess.Popen(program) as child:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            signal.signal(number, lambda received, _frame: child.send_signal(received))
        while child.poll() is None:
            readable, _, _ = select.select([lifeline], [], [], 0.2)
            if readable:  # nobody ever writes: readable means closed
                child.send_signal(death_signal)
                child.wait()
        return child.returncode if child.returncode >= 0 else 128 - child.returncode


def main(arguments: Sequence[str]) -> int:
    """Exit codes of our own: 1 the owner is gone, 126 the identity or program is refused."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--owner", type=int, required=True)
    parser.add_argument("--death-signal", type=int, default=signal.SIGTERM)
    parser.add_argument("--identity", choices=IDENTITIES, default="self")
    parser.add_argument("--lifeline", type=int)
    parser.add_argument("program", nargs="+")
    options = parser.parse_args(arguments)
    try:
        become(options.identity)
        if options.lifeline is not None:
            return _guard(
                options.program, lifeline=options.lifeline, death_signal=options.death_signal
            )
        _exec_bound(options.program, owner=options.owner, death_signal=options.death_signal)
    except OSError as error:
        sys.stderr.write(f"cannot start {options.program[0]}: {error}\n")
    return 126


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
