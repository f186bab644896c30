"""Belief propagation of the random hierarchy model in numpy: what a user would write instead. One JSON line each.

Two forms of the same algorithm, O(m s v) a node, s = 2, at the sizes of bench.c. "rhm_tree": trees first, all nodes of a level
and all rules in one go. "rhm_tree_tuned": symbols first, so that a rule moves whole rows, in pieces of columns (nodes and
trees) that stay in the cache, rules sorted beforehand. Both find marginals, best symbols and confidences of all nodes.
"""
import json
import time

import numpy as np

L, V, M = 10, 32, 8
rng = np.random.default_rng(1)


def draw():
    """Grammar: of each level the left and the right children of all rules, those of a parent together."""
    return [np.divmod(rng.permutation(V * V)[: V * M], V) for _ in range(L)]


def leaves(trees):
    """Likelihoods [trees][leaves][V]."""
    p = np.exp(rng.normal(size=(trees, 2**L, V)) * 2.5)
    return p / p.sum(-1, keepdims=True)


def plain(rules, p):
    ups = [p]
    for left, right in rules:
        u = ups[-1]
        up = (u[:, 0::2, left] * u[:, 1::2, right]).reshape(len(p), -1, V, M).sum(-1)
        ups.append(up / up.sum(-1, keepdims=True))
    down = np.full_like(ups[-1], 1 / V)
    out = []
    for level in range(L, -1, -1):
        marginal = ups[level] * down
        marginal /= marginal.sum(-1, keepdims=True)
        out.append((marginal.argmax(-1), marginal.max(-1)))
        if level == 0:
            return ups[-1], out
        left, right = rules[level - 1]
        u = ups[level - 1]
        parent = np.repeat(down, M, -1)
        down = np.empty_like(u)
        for first, mine, other in ((0, left, right), (1, right, left)):
            order = np.argsort(mine, kind="stable")
            some, start = np.unique(mine[order], return_index=True)
            total = np.zeros((len(p), u.shape[1] // 2, V))
            total[..., some] = np.add.reduceat((parent * u[:, 1 - first :: 2, other])[..., order], start, -1)
            down[:, first::2] = total / total.sum(-1, keepdims=True)


def sorted_rules(rules):
    """By child: order of rules, symbols that occur, where their rules begin."""
    found = []
    for level in rules:
        sides = []
        for mine, other in (level, level[::-1]):
            order = np.argsort(mine, kind="stable")
            some, start = np.unique(mine[order], return_index=True)
            sides.append((order // M, other[order], some, start))
        found.append(sides)
    return found


def tuned(rules, p, columns):
    """p[V][nodes][trees]"""
    trees, by_child = p.shape[2], sorted_rules(rules)
    piece = max(1, columns // trees)
    ups = [p]
    for left, right in rules:
        u = ups[-1]
        up = np.empty((V, u.shape[1] // 2, trees))
        for a in range(0, up.shape[1], piece):
            c = u[:, 2 * a : 2 * (a + piece)]
            product = c[:, 0::2][left]
            product *= c[:, 1::2][right]
            total = product.reshape((V, M) + product.shape[1:]).sum(1)
            total /= total.sum(0)
            up[:, a : a + piece] = total
        ups.append(up)
    down = np.full_like(ups[-1], 1 / V)
    out = []
    for level in range(L, -1, -1):
        u = ups[level]
        best, top = np.empty(u.shape[1:], int), np.empty(u.shape[1:])
        for a in range(0, u.shape[1], piece):
            marginal = u[:, a : a + piece] * down[:, a : a + piece]
            marginal /= marginal.sum(0)
            best[a : a + piece] = marginal.argmax(0)
            top[a : a + piece] = marginal.max(0)
        out.append((best, top))
        if level == 0:
            return ups[-1], out
        u, to = ups[level - 1], np.zeros_like(ups[level - 1])
        for a in range(0, down.shape[1], piece):
            d, c = down[:, a : a + piece], u[:, 2 * a : 2 * (a + piece)]
            for first in (0, 1):
                parents, others, some, start = by_child[level - 1][first]
                product = d[parents]
                product *= c[:, 1 - first :: 2][others]
                total = np.add.reduceat(product, start, 0)
                total /= total.sum(0)
                to[some, 2 * a + first : 2 * (a + piece) : 2] = total
        down = to


def best(work, repeats):
    least = 1e30
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        least = min(least, time.perf_counter() - start)
    return least


def report(name, value):
    print(json.dumps({"bench": "numpy_" + name, "threads": 1, "value": value, "unit": "us a tree"}), flush=True)


rules = draw()
p = leaves(8)
q = np.ascontiguousarray(p.transpose(2, 1, 0))
a, b = plain(rules, p), tuned(rules, q, 64)
assert np.allclose(a[0], b[0].transpose(2, 1, 0), atol=1e-14)
assert all(np.array_equal(x[0], y[0].T) and np.allclose(x[1], y[1].T) for x, y in zip(a[1], b[1]))
report("rhm_tree", 1e6 / 8 * best(lambda: plain(rules, p), 8))
report("rhm_tree_tuned", 1e6 / 8 * min(best(lambda: tuned(rules, q, columns), 8) for columns in (64, 128, 256)))
