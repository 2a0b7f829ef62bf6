"""Compare folded stacks of tests/targets/shares.c with what the program is made of.

check_shares.py FOLDED [--points N] ROOT...: shares may be off by N points (2). ROOT are the frames, outermost first, that may stand before the
chain; the first of them that is there must start the stack.
"""
import sys

folded, roots = sys.argv[1], sys.argv[2:]
points = 2
if roots[0] == "--points":
    points, roots = float(roots[1]), roots[2:]
chain = ["chain_5", "chain_4", "chain_3", "chain_2", "chain_1", "rounds"]
leaves = {"alpha": 50, "beta": 30, "gamma_": 20}
total = whole = 0
seen = dict.fromkeys(leaves, 0)
for line in open(folded):
    stack, count = line.rstrip("\n").rsplit(" ", 1)
    frames, count = stack.split(";")[1:], int(count)
    total += count
    # In a libc without symbols the start of a thread has no name.
    is_whole = frames[0] in roots or frames[0].startswith("libc.so.6+0x")
    whole += count if is_whole else 0
    # Kernel frames of an interrupt may lie above the leaf.
    user = [f for f in frames if not f.endswith("_[k]")]
    if "rounds" in user:
        at = user.index("chain_5") if "chain_5" in user else -1
        assert user[at:at + 6] == chain, f"wrong chain: {stack}"
        if len(user) > at + 6 and user[at + 6] in leaves:
            seen[user[at + 6]] += count
        else:
            # Reading the clock takes a moment between the rounds.
            assert len(user) == at + 6 or user[at + 6] in ("cpu_now", "clock_gettime"), stack
    elif any(leaf in user for leaf in leaves):
        # Without its callers: counted as not whole above, and never below anything else.
        assert not is_whole, f"a leaf without its chain: {stack}"
work = sum(seen.values())
assert total > 500, f"only {total} samples"
assert whole >= 0.985 * total, f"{whole} of {total} whole"
assert work >= (0.95 if points == 2 else 0.9) * total, f"{work} of {total} samples in the three functions"
for name, percent in leaves.items():
    share = 100 * seen[name] / work
    # Those points, and room for the chance of that many samples (3 sigma).
    slack = points + 300 * (percent / 100 * (1 - percent / 100) / work) ** 0.5
    assert abs(share - percent) <= slack, f"{name}: {share:.1f} %, {percent} % wanted"
print(f"{total} samples, {100 * whole / total:.1f} % whole, " +
      ", ".join(f"{n} {100 * c / work:.1f} %" for n, c in seen.items()))
