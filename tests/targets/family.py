"""Children of all kinds: a Python program of its own, of multiprocessing by fork and spawn, another program by exec, a shell that executes Python."""
import multiprocessing
import os
import subprocess
import sys
import time


def burn_here(seconds):
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def burn_forked(seconds):
    burn_here(seconds)


def burn_spawned(seconds):
    burn_here(seconds)


def main():
    here = os.path.abspath(__file__)
    subprocess.run([sys.executable, here, "child"], check=True)
    subprocess.run(["sh", "-c", 'true; exec "$0" "$1" shell', sys.executable, here], check=True)
    for kind, target in ("fork", burn_forked), ("spawn", burn_spawned):
        process = multiprocessing.get_context(kind).Process(target=target, args=(0.3,))
        process.start()
        process.join()
    burn_here(0.2)
    os.execvp("sh", ["sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 7"])


def burn_child():
    burn_here(0.3)


def burn_shell():
    burn_here(0.3)


if __name__ == "__main__":
    {"child": burn_child, "shell": burn_shell}.get(sys.argv[1] if len(sys.argv) > 1 else "", main)()
