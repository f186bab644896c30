#!/usr/bin/env python3
"""Where random hierarchies lose their root: root accuracy against sigma2 for several sizes, prediction against measurement, and scaling.

usage: fig_transition.py results/fig_transition figure.png
"""
import glob
import os
import sys

import numpy as np

from adpost import Caption, Estimate, estimate, plain_log, plt
from hierarchy import Hierarchy

SHOWN = [(2, 32, 4, 8), (2, 16, 4, 8), (3, 16, 24, 5), (2, 32, 8, 8), (2, 64, 16, 8), (2, 32, 16, 8)]  # s, v, m, L
CHILDREN = {2: ("#0072B2", "o"), 3: ("#D55E00", "^"), 4: ("#009E73", "s")}


class Model:
    """One size: where its root is lost, measured and predicted."""

    def __init__(self, rhm, i):
        self.rhm, self.i = rhm, i
        self.L, self.s, self.v, self.m = (int(rhm.size[i][k]) for k in "Lsvm")
        self.key = (self.s, self.v, self.m, self.L)
        self.measured, self.predicted = rhm.lost("sigma2_50", "joint", i), rhm.predicted(i)
        self.recursion, self.fixed_point = rhm.theory["sigma2_finite"][i], rhm.theory["fixed_point"][i]
        self.information = rhm.information(self.measured.value, i)
        self.tree = np.log(self.m) / (self.s - 1)  # entropy of a large tree, nats a leaf
        self.name = f"s {self.s}, v {self.v}, m {self.m}, L {self.L}"

    def away(self):
        """prediction against measurement in their errors"""
        return (self.predicted.value - self.measured.value) / np.hypot(self.predicted.error, self.measured.error)


def table(models):
    print(f"{'size':24s}{'measured':>14s}{'density evol.':>14s}{'s.e.':>6s}{'recursion':>11s}{'I(leaf)':>9s}{'log m/(s-1)':>12s}{'log(v p*)':>11s}")
    for k in models:
        print(f"{k.name:24s}{estimate(k.measured.value, k.measured.error):>14s}{estimate(k.predicted.value, k.predicted.error):>14s}"
              f"{k.away():6.1f}{k.recursion:11.4f}{k.information:9.3f}{k.tree:12.3f}{np.log(k.v * k.fixed_point):11.3f}")


def spread(x):
    """geometric mean and spread of ratios"""
    x = np.log(x)
    return f"{np.exp(x.mean()):.2f} ({np.exp(x.min()):.2f} to {np.exp(x.max()):.2f})"


def caption(models):
    real = [k for k in models if np.isfinite(k.fixed_point)]
    value, error = (np.array([getattr(k.measured, a) for k in models]) for a in ("value", "error"))
    away = np.array([k.away() for k in models])
    ratio = np.array([k.predicted.value for k in models]) / value
    text = Caption(f"Random hierarchies of {len(models)} sizes, {models[0].rhm.grammars} grammars with {models[0].rhm.trials} trees each, passive noise: "
                   "sigma2 at which half of the roots are lost. Prediction without a free parameter: density evolution (messages of a "
                   "population, fresh random rules at every node), and the recursion of one belief fed with the information of a leaf.")
    text.say("does not", f"one sigma2 for all: sigma2_50 runs from {value.min():.3f} to {value.max():.2f}, chi-square for one value "
                         f"{np.sum(((value - np.average(value, weights=error ** -2)) / error) ** 2):.0f} for {len(value) - 1}")
    agrees = np.sum(np.abs(away) < 3)
    text.say("agrees" if agrees > 0.9 * len(models) else "does not",
             f"density evolution predicts it: predicted over measured {spread(ratio)}; {agrees} of {len(models)} within 3 s.e., "
             f"chi-square {np.sum(away ** 2):.0f}")
    text.say("open", f"the recursion: predicted over measured {spread(np.array([k.recursion / k.measured.value for k in real]))}, where it has a transition")
    shares = np.array([k.information / k.tree for k in real])
    text.say("open", f"what it depends on: information of a leaf at the transition over the tree's entropy a leaf, log m/(s-1): {spread(shares)}; over the "
                     f"recursion's log(v p*), where m > s: {spread(np.array([k.information / np.log(k.v * k.fixed_point) for k in real if k.m > k.s]))}")
    settle(text, models, (2, 32, 8), "settles with L: there is a transition")
    settle(text, models, (2, 8, 6), "too many rules, m > (v^s-1)/(s(v-1)): it goes on falling, no transition")
    return text


def settle(text, models, size, claim):
    """Does sigma2_50 still fall between the two largest depths of one size?"""
    series = sorted((k for k in models if k.key[:3] == size), key=lambda k: k.L)
    fall = np.log(series[-2].measured.value / series[-1].measured.value) / (series[-1].L - series[-2].L)
    error = np.hypot(*(k.measured.error / k.measured.value for k in series[-2:])) / (series[-1].L - series[-2].L)
    falls = fall > 2 * error
    wanted = "falling" in claim
    text.say("agrees" if falls == wanted else "does not",
             f"s {size[0]}, v {size[1]}, m {size[2]} {claim}: " + ", ".join(f"L {k.L} {estimate(k.measured.value, k.measured.error)}" for k in series)
             + f"; last fall {100 * fall:.1f}({100 * error:.1f}) % a level")


def draw_curves(axes, models):
    found = {k.key: k for k in models}
    for i, key in enumerate(key for key in SHOWN if key in found):
        k = found[key]
        colour = plt.cm.plasma(0.88 - 0.17 * i)
        value, error = k.rhm.root("joint", k.i)
        axes.errorbar(k.rhm.sigma2[0], value, error, color=colour, marker="o", ms=2.5, lw=0, elinewidth=0.6, label=k.name)
        axes.plot(k.rhm.theory["sigma2"][k.i], k.rhm.theory["accuracy"][k.i], color=colour, lw=1.2)
    axes.axhline(0.5, color="0.8", lw=0.7, zorder=0)
    axes.set(xscale="log", xlim=(0.045, 1), ylim=(-0.02, 1.02), xlabel=r"$\sigma^2$", ylabel="root accuracy",
             title="points: measured, lines: density evolution")
    axes.legend(fontsize=6.5, loc="upper right", handletextpad=0.1)
    plain_log(axes.xaxis)


def draw_prediction(axes, models):
    ends = np.array([0.9 * min(k.measured.value for k in models), 1.15 * max(k.measured.value for k in models)])
    axes.plot(ends, ends, color="0.6", lw=0.8, zorder=0)
    for k in models:
        colour, marker = CHILDREN[k.s]
        axes.errorbar(k.measured.value, k.predicted.value, k.predicted.error, k.measured.error, color=colour, marker=marker, ms=4, elinewidth=0.7)
        axes.plot(k.measured.value, k.recursion, color=colour, marker=marker, ms=4, mfc="none", mew=0.7, alpha=0.7)
    for s, (colour, marker) in CHILDREN.items():
        axes.plot([], [], color=colour, marker=marker, lw=0, ms=4, label=f"s {s}")
    axes.plot([], [], color="k", marker="o", lw=0, ms=4, label="density evolution")
    axes.plot([], [], color="k", marker="o", lw=0, ms=4, mfc="none", label="recursion, information of a leaf")
    axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel=r"$\sigma^2_{50}$ measured", ylabel=r"$\sigma^2_{50}$ predicted",
             title=f"{len(models)} sizes")
    axes.legend(fontsize=6.5, loc="upper left")
    for axis in (axes.xaxis, axes.yaxis):
        plain_log(axis)


def draw_scaling(axes, models):
    real = [k for k in models if np.isfinite(k.fixed_point)]
    top = 1.1 * max(max(k.information, k.tree) for k in real)
    axes.plot([0, top], [0, top], color="0.6", lw=0.8, zorder=0)
    shades = {v: plt.cm.viridis(0.93 * i / 5) for i, v in enumerate((6, 8, 16, 32, 64, 128))}
    for k in real:
        axes.plot(k.tree, k.information, color=shades[k.v], marker=CHILDREN[k.s][1], ms=5, lw=0)
    for v, shade in shades.items():
        axes.plot([], [], color=shade, marker="o", ms=5, lw=0, label=f"v {v}")
    axes.set(xlim=(0, top), ylim=(0, top), xlabel="entropy of the tree, nats a leaf: log m/(s-1)",
             ylabel="information of a leaf at the transition, nats", title="what it depends on")
    axes.legend(fontsize=6.5, loc="upper left")


def main(folder, figure):
    files = sorted(glob.glob(os.path.join(folder, "rhm_p*.h5")))
    if not files:
        sys.exit(f"postproc: {folder}: expected files of 'adiff rhm', rhm_p*.h5")
    models = list({k.key: k for k in (Model(rhm, i) for rhm in map(Hierarchy, files) for i in range(len(rhm.size)))}.values())
    missing = [k.name for k in models if not np.isfinite(k.measured.value * k.predicted.value)]
    if missing:
        sys.exit(f"postproc: {folder}: no sigma2_50 for {'; '.join(missing)}: another grid of sigmas?")
    table(models)
    fig, axes = plt.subplots(1, 3, figsize=(13, 4.3), layout="constrained")
    draw_curves(axes[0], models)
    draw_prediction(axes[1], models)
    draw_scaling(axes[2], models)
    caption(models).finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
