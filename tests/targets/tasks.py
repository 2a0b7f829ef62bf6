"""Three tasks of asyncio, one of them without a name, that take turns: tasks.py SECONDS. Prints the CPU time of each."""
import asyncio
import json
import sys
import time

spent = {}


def burns(name, seconds):
    start = time.thread_time()
    while time.thread_time() < start + seconds:
        pass
    spent[name] = spent.get(name, 0) + time.thread_time() - start


async def inner(name, seconds):
    burns(name, seconds)
    await asyncio.sleep(0)


async def works(name, seconds, total):
    while spent.get(name, 0) < total:
        await inner(name, seconds)


async def main(total):
    tasks = [
        asyncio.create_task(works("reader", 0.002, total * 0.6), name="reader"),
        asyncio.create_task(works("writer", 0.003, total * 0.3), name="writer"),
        asyncio.create_task(works("unnamed", 0.001, total * 0.1)),
    ]
    await asyncio.gather(*tasks)


asyncio.run(main(float(sys.argv[1])))
print(json.dumps(spent))
