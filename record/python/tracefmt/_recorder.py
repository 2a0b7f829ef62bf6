"""The recorder process: starting it, waiting until it records, ending it."""

import atexit
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

DEFAULT_OUTPUT = "{program}-{pid}-{time}.cbor.zst"
START_SECONDS = 10.0
STOP_SECONDS = 60.0
PR_SET_PTRACER = 0x59616D61


class Error(RuntimeError):
    """The recording could not be started or ended; says what, and what to do."""


class Recording:
    """A recording that is going on. `path` is the trace, `pid` that of the recorder."""

    def __init__(self, path, process, options):
        self.path = path
        self.options = options
        self.owner = os.getpid()
        self._process = process

    @property
    def pid(self):
        return self._process.pid

    def is_running(self):
        return self._process.poll() is None

    def stop(self):
        """End the recording and wait until the trace is complete. Returns its path."""
        if self.is_running():
            self._process.send_signal(signal.SIGINT)
        try:
            status = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise Error(f"trec did not finish {self.path} within {STOP_SECONDS:.0f} s: it is cut")
        if status != 0:
            raise Error(f"trec ended with status {status}: see its message; the trace is {self.path}")
        return self.path


_lock = threading.RLock()
_current = None


def _find_trec(trec):
    name = trec or os.environ.get("TRACEFMT_TREC") or "trec"
    path = shutil.which(name)
    if path is None:
        beside = os.path.join(sys.prefix, "bin", "trec")
        path = beside if os.access(beside, os.X_OK) else None
    if path is None:
        raise Error(f"{name} is not found: install it, or name it with trec= or TRACEFMT_TREC")
    return path


def _program_name():
    name = os.path.basename(getattr(sys, "argv", [""])[0] or "") or "python"
    return name[:-3] if name.endswith(".py") else name


def format_path(pattern):
    """The path that a pattern stands for: {pid}, {program} and {time} (UTC, to the second)."""
    path = pattern.format(
        pid=os.getpid(),
        program=_program_name(),
        time=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()),
    )
    folder = os.path.dirname(path)
    if folder:
        os.makedirs(folder, exist_ok=True)
    return path


def _free_path(pattern):
    """A path of the pattern that no file has yet: two traces of one second get numbers."""
    path = format_path(pattern)
    if "{" not in pattern:
        return path
    stem, dot, ending = path.partition(".cbor.zst")
    number = 1
    while os.path.exists(path):
        number += 1
        path = f"{stem}-{number}{dot}{ending}"
    return path


def _allow(pid):
    """Where only parents may look into processes (Yama), let this recorder look into us."""
    try:
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PTRACER, pid, 0, 0, 0)
    except (OSError, AttributeError):
        pass  # no libc that can be called: then the recorder says what it may not do


def _arguments(trec, path, ready, rate, interval, options):
    arguments = [trec, "-o", path, "--ready-fd", str(ready), "-p", str(os.getpid())]
    if rate is not None:
        arguments += ["--rate", str(int(rate))]
    if interval is not None:
        arguments += ["--interval", f"{float(interval) * 1e9:.0f}ns"]
    return arguments + [str(option) for option in options]


def _wait_until_ready(process, ready, path):
    """The recorder writes a line when it records, and closes its end when it fails."""
    os.set_blocking(ready, False)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            said = os.read(ready, 1)
        except BlockingIOError:
            time.sleep(0.002)
            continue
        if said:
            return
        raise Error(f"trec could not begin {path} (status {process.wait()}): see its message")
    process.kill()
    process.wait()
    raise Error(f"trec did not begin {path} within {START_SECONDS:.0f} s")


def _launch(path, rate, interval, options, trec):
    ready, ready_child = os.pipe()
    try:
        process = subprocess.Popen(
            _arguments(_find_trec(trec), path, ready_child, rate, interval, options),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(ready_child,),
            start_new_session=True,  # a Ctrl-C at the terminal is for the program
        )
    finally:
        os.close(ready_child)
    try:
        _allow(process.pid)
        _wait_until_ready(process, ready, path)
    finally:
        os.close(ready)
    return process


def start(output=DEFAULT_OUTPUT, rate=None, interval=None, options=(), trec=None):
    """Begin to record this process and all that it starts from now on.

    output    the trace; {pid}, {program} and {time} are replaced, folders are made
    rate      samples per second of CPU time; None: trec's default
    interval  seconds between readings of CPU and memory; None: trec's default
    options   more options of trec, such as ["--no-native"]
    trec      the recorder, when it is not found by its name

    Returns the Recording. Raises Error when one is going on already, or it cannot begin.
    """
    global _current
    with _lock:
        running = current()
        if running is not None:
            raise Error(f"already recording to {running.path}: stop() that first")
        path = _free_path(output)
        settings = dict(output=output, rate=rate, interval=interval, options=options, trec=trec)
        _current = Recording(path, _launch(path, rate, interval, options, trec), settings)
        return _current


def ensure_started(**settings):
    """As start(), but when a recording is going on already, that one is returned."""
    with _lock:
        return current() or start(**settings)


def stop():
    """End the recording. Returns the path of the trace, None when there was no recording."""
    global _current
    with _lock:
        recording, _current = current(), None
        return recording.stop() if recording is not None else None


def rotate():
    """End the recording and begin another one of the same settings. Returns the ended trace."""
    with _lock:
        recording = current()
        if recording is None:
            return None
        path = stop()
        start(**recording.options)
        return path


def current():
    """The recording of this process that is going on, or None. A forked child has none."""
    with _lock:
        if _current is None or _current.owner != os.getpid() or not _current.is_running():
            return None
        return _current


def _without_process(text, pid):
    """What trec --dump printed, without the part of that process."""
    parts = re.split(r"^(?=Process \d+: )", text, flags=re.MULTILINE)
    kept = "".join(part for part in parts if not part.startswith(f"Process {pid}: "))
    return kept.rstrip("\n") + "\n"


def dump(file=None, options=(), trec=None):
    """Print the stacks of all threads of this process and its children now, as seen from outside.

    They go to `file`, without those of the recorder, which is a child too.
    """
    arguments = [_find_trec(trec), "--dump", "-p", str(os.getpid())]
    process = subprocess.Popen(
        arguments + list(options), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    _allow(process.pid)
    text = process.communicate()[0].decode("utf-8", "replace")
    recording = current()
    if recording is not None:
        _allow(recording.pid)  # one process at a time can be allowed
        text = _without_process(text, recording.pid)
    (file or sys.stderr).write(text)
    if process.returncode != 0:
        raise Error(f"trec --dump ended with status {process.returncode}: see its message")


def dump_on_signal(number=signal.SIGUSR1, file=None):
    """Print all stacks whenever this signal comes. Returns the handler that was there before."""
    return signal.signal(number, lambda *_: dump(file))


@atexit.register
def _stop_at_exit():
    try:
        stop()
    except Error as error:
        print(f"tracefmt: {error}", file=sys.stderr)
