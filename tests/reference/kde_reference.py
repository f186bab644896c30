#!/usr/bin/env python3
"""Kernel-density numbers of tests/test_metrics_shape.c, by numpy: KL divergence and Bhattacharyya coefficient."""
import numpy as np

i = np.arange(40)
X = 0.3 * np.c_[np.sin(i), np.cos(2 * i)]
X[7] = [3, 4]
Y = 0.3 * np.c_[np.sin(i + 0.3), 1.1 * np.cos(2 * i + 0.5)]


def density(points, axes, h):
    total = 0
    for p in points:
        bell = [np.exp(-0.5 * ((g - c) / h) ** 2) for g, c in zip(axes, p)]
        total = total + (np.outer(*bell) if len(bell) == 2 else bell[0])
    return np.maximum(total / total.sum(), 1e-10)


def overlap(x, y, h, grid, cut):
    if cut:
        q1, q3 = np.percentile(x, [25, 75], axis=0)
        x = x[((x >= q1 - cut * (q3 - q1)) & (x <= q3 + cut * (q3 - q1))).all(1)]
    both = np.r_[x, y]
    axes = [np.linspace(lo, hi, grid) for lo, hi in zip(both.min(0), both.max(0))]
    p, q = density(y, axes, h), density(x, axes, h)
    return np.sum(p * np.log(p / q)), np.sum(np.sqrt(p * q))


for x, y, h, grid, cut in ((X, Y, 0.05, 50, 2), (X, Y, 0.05, 50, 0), (X[:, :1], Y[:, :1], 0.02, 80, 2)):
    print("%.15f %.15f" % overlap(x, y, h, grid, cut))
