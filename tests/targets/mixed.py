"""Pure Python alternates with C code of extensions: mixed.py SECONDS. Prints the CPU time under each function as JSON."""
import hashlib
import json
import random
import re
import sqlite3
import sys
import time
import zlib

import mixed_ext

data = bytes(range(256)) * 64
text = "a1b22c333 " * 200
rows = [{"name": str(i), "value": [i, i + 1]} for i in range(100)]
base = sqlite3.connect(":memory:")
base.execute("create table t (a integer, b text)")
base.executemany("insert into t values (?, ?)", [(i % 50, str(i)) for i in range(500)])


# Of no fixed length, so that no round keeps step with the sampler.
def calls_alpha():
    mixed_ext.alpha(random.uniform(0, 0.0004))


def calls_beta():
    mixed_ext.beta(random.uniform(0, 0.0006))


def compresses():
    zlib.compress(data, 6)


def hashes():
    hashlib.sha256(data * 4).hexdigest()


def matches():
    re.findall("[a-z]([0-9]+)", text)


def queries():
    base.execute("select a, count(*), max(b) from t group by a order by b").fetchall()


def dumps():
    json.loads(json.dumps(rows))


def pure():
    n = 0
    for i in range(3000):
        n += i & 3
    return n


WORK = calls_alpha, calls_beta, compresses, hashes, matches, queries, dumps, pure


def main(seconds):
    spent = dict.fromkeys((work.__name__ for work in WORK), 0.0)
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        for work in WORK:
            start = time.thread_time()
            work()
            spent[work.__name__] += time.thread_time() - start
    print(json.dumps(spent))


main(float(sys.argv[1]))
