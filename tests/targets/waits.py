"""Threads whose stacks are known: for trec --dump. Says "ready", ends when stdin does."""
import sys
import threading
import time


def busy_work():
    while True:
        sum(number * number for number in range(1000))


def asleep(depth):
    if depth > 0:
        asleep(depth - 1)
    else:
        time.sleep(1000)


def waits_for_event(event):
    event.wait()


def start(function, *arguments):
    threading.Thread(target=function, args=arguments, daemon=True).start()


start(busy_work)
for _ in range(int(sys.argv[1])):
    start(asleep, 5)
start(waits_for_event, threading.Event())
print("ready", flush=True)


def main_waits():
    sys.stdin.read()


main_waits()
