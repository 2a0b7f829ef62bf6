"""Two busy threads, one that sleeps, and shares: gil.py SECONDS. Prints the CPU seconds of the busy threads."""
import json
import sys
import threading
import time

spent = {}


def busy(seconds):
    start, n = time.thread_time(), 0
    while time.thread_time() < start + seconds:
        n += sum(range(50))
    spent[threading.current_thread().name] = time.thread_time() - start


def idle(event):
    event.wait()


seconds = float(sys.argv[1])
event = threading.Event()
threads = [threading.Thread(target=busy, args=(seconds,), name=f"busy-{i}") for i in (1, 2)]
threads.append(threading.Thread(target=idle, args=(event,), name="idle-thread"))
for thread in threads:
    thread.start()
for thread in threads[:2]:
    thread.join()
time.sleep(seconds)
event.set()
print(json.dumps(spent))
