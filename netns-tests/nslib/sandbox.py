"""Namespaces without root: re-execution inside `unshare -Urnm`, named network namespaces, processes inside them.

Nothing here waits for a fixed time. Everything that has to be waited for is a condition with a deadline, and a
deadline that passes is a failure that names what did not happen.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

DEADLINE = 10.0  # seconds until something that must happen counts as not happening

_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_INSIDE = "NSLIB_INSIDE_UNSHARE"
_libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """Something that had to happen did not; the text is for the person who reads the test's output."""


def enter_unshare():
    """Continues this program inside a new user, network and mount namespace, as root there, with its own /run."""
    if os.environ.get(_INSIDE) != "1":
        os.environ[_INSIDE] = "1"
        # Debian keeps ip, sysctl and the iptables family where the PATH of a plain user does not look.
        os.environ["PATH"] = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
        sys.stdout.flush()
        arguments = ["unshare", "-Urnm", "--", sys.executable, os.path.abspath(sys.argv[0]), *sys.argv[1:]]
        try:
            os.execvp("unshare", arguments)
        except OSError as error:
            raise Failure(f"cannot run unshare: {error}") from error
    if _libc.mount(b"tmpfs", b"/run", b"tmpfs", 0, None) != 0:
        raise Failure(f"mount tmpfs on /run: {os.strerror(ctypes.get_errno())}")


def wait_until(condition, what, deadline=DEADLINE):
    """Returns condition()'s first true value. For states the kernel shows but does not announce."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"did not happen within {deadline:g} s: {what}")
        os.sched_yield()


def wait_readable(fd, what, deadline=DEADLINE):
    if not select.select([fd], [], [], deadline)[0]:
        raise Failure(f"did not happen within {deadline:g} s: {what}")


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def run(*command, stdin=None):
    """The standard output of a command that must succeed."""
    done = subprocess.run([str(c) for c in command], stdin=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"{' '.join(str(c) for c in command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


class Netns:
    """A named network namespace. `with ns:` moves this thread into it: sockets made and programs started there
    belong to it for good."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        self._file = open(f"/run/netns/{name}", "rb")
        self._outer = []

    def __enter__(self):
        self._outer.append(open("/proc/self/ns/net", "rb"))
        self._set(self._file)
        return self

    def __exit__(self, *_):
        with self._outer.pop() as outer:
            self._set(outer)

    @staticmethod
    def _set(file):
        if _libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
            raise Failure(f"setns: {os.strerror(ctypes.get_errno())}")

    def run(self, *command, stdin=None):
        with self:
            return run(*command, stdin=stdin)

    def ip(self, *words):
        return run("ip", "-n", self.name, *words)

    def ip_json(self, *words):
        return json.loads(run("ip", "-n", self.name, "-d", "-j", *words) or "[]")

    def popen(self, *command, **options):
        with self:
            return subprocess.Popen([str(c) for c in command], preexec_fn=_die_with_parent, **options)

    def socket(self, *arguments):
        with self:
            return socket.socket(*arguments)

    def read(self, path):
        """A file under /proc/sys/net or /proc/net, as this namespace sees it."""
        with self, open(path, encoding="ascii") as file:
            return file.read()

    def write(self, path, text):
        with self, open(path, "w", encoding="ascii") as file:
            file.write(text)

    def fork(self, body):
        """Runs body() in a child process inside the namespace; returns its pid."""
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        pid = os.fork()
        if pid:
            return pid
        status = 1
        try:
            _die_with_parent()
            if os.getppid() == parent:
                with self:
                    body()
                status = 0
        finally:
            os._exit(status)

    def delete(self):
        self._file.close()
        run("ip", "netns", "del", self.name)


def end_process(process, signal_number=signal.SIGTERM):
    """Ends a Popen started here and returns its exit status."""
    if process.poll() is None:
        process.send_signal(signal_number)
    try:
        return process.wait(DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise Failure(f"pid {process.pid} ({process.args[0]}) ignored signal {signal_number}") from None


@contextlib.contextmanager
def forked(netns, body):
    pid = netns.fork(body)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def netlink_attributes(data):
    """{type: value} of netlink attributes, the nested flag taken off."""
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found
