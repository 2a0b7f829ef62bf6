"""A function in a sub-interpreter, called from one in the main one; twice at once, in threads: interpreters.py SECONDS"""
import sys
import threading

try:
    import _interpreters as interpreters  # 3.13
except ImportError:
    import _xxsubinterpreters as interpreters

SOURCE = """
import time
def inside(seconds):
    end = time.time() + seconds
    while time.time() < end:
        sum(range(100))
inside(%s)
"""


def runs(seconds):
    interpreter = interpreters.create()
    interpreters.run_string(interpreter, SOURCE % seconds)


def calls_in_main(seconds):
    runs(seconds)


def calls_in_thread(seconds):
    runs(seconds)


seconds = float(sys.argv[1])
thread = threading.Thread(target=calls_in_thread, args=(seconds,))
thread.start()
calls_in_main(seconds)
thread.join()
