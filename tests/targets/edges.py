"""What a program can see of its own start and end: argv, stdin, __name__, recursion, its status."""
import os
import signal
import sys


def depth(n):
    return depth(n + 1) if n < 900 else n


def main():
    print(sys.argv[1:], __name__, sys.stdin.read(), depth(0), sys.flags.optimize, len(sys.modules) > 10)
    try:
        deeper(0)
    except RecursionError:
        print("RecursionError")
    sys.stdout.flush()
    how = sys.argv[1]
    if how == "signal":
        os.kill(os.getpid(), signal.SIGTERM)
    if how == "raise":
        raise ValueError("as wanted")
    sys.exit(int(how))


def deeper(n):
    return deeper(n + 1)


if __name__ == "__main__":
    main()
