"""A program of which every legal stack is known: a line that calls names, after '#:', what it may call.

calls.py SECONDS: phases alternate; prints the CPU time of each as JSON.
"""
import json
import sys
import time


def f0(n):
    return f1(n + 1) + 1  #: f1


def f1(n):
    if n & 1:
        return f2(n)  #: f2
    return f3(n) - 1  #: f3


def f2(n):
    return f4(n) if n & 2 else f5(n)  #: f4 f5


def f3(n):
    x = f4(n)  #: f4
    return x + f6(n)  #: f6


def f4(n):
    return n ^ 5


def f5(n):
    return f7(n) + f7(n + 1)  #: f7


def f6(n):
    return f8(n, 3)  #: f8


def f7(n):
    return n * 3


def f8(n, depth):
    if depth:
        return f9(n, depth - 1)  #: f9
    return n


def f9(n, depth):
    return f8(n + 1, depth) + 1  #: f8


def plain(seconds):
    end = time.thread_time() + seconds  #:
    n = 0
    while time.thread_time() < end:  #:
        for i in range(20):
            n += f0(i)  #: f0
    return n


class Shape:
    def __init__(self, side):
        self.side = self.checked(side)  #: Shape.checked

    def checked(self, side):
        return side + 1

    @property
    def area(self):
        return self.side * self.width()  #: Shape.width Cube.width

    def width(self):
        return self.side

    def __add__(self, other):
        return Shape(self.area + other.area)  #: Shape.__init__ Shape.area


class Cube(Shape):
    def __init__(self, side):
        super().__init__(side)  #: Shape.__init__

    def width(self):
        return super().width() + 1  #: Shape.width


def methods(seconds):
    end = time.thread_time() + seconds  #:
    n = 0
    while time.thread_time() < end:  #:
        for i in range(10):
            n += (Shape(i) + Cube(i)).side  #: Shape.__init__ Cube.__init__ Shape.__add__
    return n


def outer(n):
    yield from middle(n)  #: middle


def middle(n):
    for value in inner(n):  #: inner
        yield twice(value)  #: twice


def inner(n):
    for i in range(n):
        yield i


def twice(value):
    return value * 2


def generators(seconds):
    end = time.thread_time() + seconds  #:
    n = 0
    while time.thread_time() < end:  #:
        n += sum(outer(10))  #: outer
        n += sum([twice(i) for i in range(10)])  #: twice <listcomp>
        n += len({key(i): i for i in inner(5)})  #: key inner <dictcomp>
        n += sum(map(twice, inner(5)))  #: twice inner
        n += sorted(range(10), key=key)[0]  #: key
    return n


def key(value):
    return -value


async def leaf(n):
    return n + 1


async def branch(n):
    return await leaf(n) + await leaf(n + 1)  #: leaf


async def trunk(n):
    total = 0
    for i in range(n):
        total += await branch(i)  #: branch
    return total


def coroutines(seconds):
    end = time.thread_time() + seconds  #:
    n = 0
    while time.thread_time() < end:  #:
        try:
            trunk(10).send(None)  #: trunk
        except StopIteration as stop:
            n += stop.value
    return n


def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)  #: fib


def recursion(seconds):
    end = time.thread_time() + seconds  #:
    while time.thread_time() < end:  #:
        fib(8)  #: fib


def loop(seconds):
    end = time.thread_time() + seconds  #:
    n = 0
    while time.thread_time() < end:  #:
        for i in range(500):
            n += i
    return n


PHASES = plain, methods, generators, coroutines, recursion, loop


def main(seconds):
    spent = dict.fromkeys((phase.__name__ for phase in PHASES), 0.0)
    while sum(spent.values()) < seconds:
        for part, phase in enumerate(PHASES):
            start = time.thread_time()
            phase(0.01 + 0.005 * part)  #: plain methods generators coroutines recursion loop
            spent[phase.__name__] += time.thread_time() - start
    print(json.dumps(spent))


main(float(sys.argv[1]))  #: main
