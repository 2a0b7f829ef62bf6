"""One busy thread, 16 frames deep, for SECONDS of its CPU time: python16.py SECONDS. Prints the rounds it has done."""
import sys
import time


def work():
    x = 1
    for _ in range(2000):
        x = (x * 1103515245 + 12345) & 0x7fffffff
    return x


def deeper(depth, end):
    if depth:
        return deeper(depth - 1, end)
    rounds = 0
    while time.thread_time() < end:
        work()
        rounds += 1
    return rounds


print(deeper(13, time.thread_time() + float(sys.argv[1])))
