#!/usr/bin/env python3
"""Figure 9: random hierarchies, accuracy of all levels against time, of the root against time and against sigma2.

usage: fig9.py results/fig9/rhm.h5 figure.png
"""
import csv
import os
import sys

import numpy as np

from adpost import Caption, Estimate, estimate, plain_log, plt
from hierarchy import Hierarchy

CASES = {"joint": ("active, (x, $\\eta$) known", "#D55E00", "o"), "x_alone": ("active, x alone", "#0072B2", "v"),
         "equivalent": ("passive, same final variance", "#009E73", "^"), "passive": ("passive, same temperature", "#000000", "s"),
         "legacy": ("active, as published", "#CC79A7", "D")}
RIGHT = [c for c in CASES if c != "legacy"]


def read_prototype():
    """tests/reference/fig9.csv: case -> t_50, and sigma2 -> (value, error)"""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "reference", "fig9.csv")
    with open(path, encoding="utf8") as f:
        return {row[0]: [float(x) for x in row[1:]] for row in csv.reader(line for line in f if not line.startswith("#"))}


def table(rhm, prototype):
    print(f"{'case':34s}{'t_50':>14s}{'prototype':>11s}{'sigma2_50':>14s}")
    for case, (name, *_) in CASES.items():
        t, s = rhm.lost("t50", case), rhm.lost("sigma2_50", case)
        clock = estimate(s.value, s.error) if case in RIGHT else "(wrong law)"
        print(f"{name.replace('$', ''):34s}{estimate(t.value, t.error):>14s}{prototype[case][0]:11.3g}{clock:>14s}")
    p = rhm.predicted()
    print(f"{'predicted, density evolution':34s}{'':25s}{estimate(p.value, p.error):>14s}")
    print(f"{'predicted, recursion':34s}{'':25s}{rhm.theory['sigma2_finite'][0]:14.4f}")


def caption(rhm, prototype):
    t, s = ({c: rhm.lost(k, c) for c in CASES} for k in ("t50", "sigma2_50"))
    text = Caption(f"Random hierarchies, L 10, s 2, v 32, m 8, {rhm.grammars} grammars with {rhm.trials} trees each: share of nodes whose most "
                   "probable symbol is the true one. Errors over grammars; all cases noise the same trees with the same random numbers.")
    text.higher("(x, eta) keeps the root longer than passive noise of the same final variance (paper)", t["joint"], t["equivalent"], "t_50")
    text.higher("after x has lost the root, (x, eta) still has it: the bath remembers the class", t["joint"], t["x_alone"], "t_50")
    text.higher("the right posterior keeps it longer than the published one", t["joint"], t["legacy"], "t_50")
    for case in ("x_alone", "equivalent", "passive"):
        text.same(f"one clock: at equal sigma2, {CASES[case][0]} loses the root where (x, eta) does", s["joint"], s[case], "sigma2_50")
    mean = np.mean([s[c].value for c in RIGHT])
    error = np.max([s[c].error for c in RIGHT])
    measured = Estimate(mean, error, rhm.grammars)
    text.same("density evolution predicts it", rhm.predicted(), measured, "sigma2_50")
    text.same("an independent prototype found it there", Estimate(*prototype["sigma2"], 40), measured, "sigma2_50")
    recursion = rhm.theory["sigma2_finite"][0]
    text.say("open", f"the recursion of beliefs, which replaces their spread by the information of a leaf: sigma2_50 {recursion:.4f}, "
                     f"{100 * (recursion / mean - 1):+.0f} %; by their mean, {rhm.theory['sigma2_belief'][0]:.3f} for L to infinity")
    return text


def draw_levels(axes, rhm):
    c, levels = rhm.cases.index("joint"), rhm.size[0]["L"] + 1
    colours = plt.cm.viridis(np.linspace(0, 0.92, levels))
    for level in range(levels):
        axes.plot(rhm.time, rhm.accuracy[0, c, :, level], color=colours[level], lw=1.2, marker=".", ms=3,
                  label={0: "leaves", levels - 1: "root"}.get(level, f"level {level}"))
    axes.set(xlabel="time t", ylabel="accuracy", title="active noise, all levels", xlim=(0.6, 1.01))
    axes.legend(fontsize=6.5, loc="lower left", labelspacing=0.25)


def draw_roots(axes, rhm, cases, sigma2):
    for case in cases:
        name, colour, marker = CASES[case]
        value, error = rhm.root(case)
        axes.errorbar(rhm.sigma2[rhm.cases.index(case)] if sigma2 else rhm.time, value, error, color=colour, marker=marker, ms=3, lw=0.9,
                      elinewidth=0.7, label=name, ls="--" if case == "legacy" else "none" if sigma2 else "-")
    axes.axhline(0.5, color="0.8", lw=0.7, zorder=0)
    axes.set(xscale="log", ylim=(-0.02, 1.02))


def draw(rhm, text, figure):
    fig, axes = plt.subplots(1, 3, figsize=(12.5, 4), layout="constrained", sharey=True)
    draw_levels(axes[0], rhm)
    draw_roots(axes[1], rhm, CASES, False)
    axes[1].set(xlabel="time t", title="root")
    axes[1].legend(fontsize=6.5, loc="lower left")
    draw_roots(axes[2], rhm, RIGHT, True)
    theory, p = rhm.theory, rhm.predicted()
    axes[2].plot(theory["sigma2"][0], theory["accuracy"][0], color="0.55", lw=4, alpha=0.5, zorder=0, label="density evolution")
    axes[2].axvspan(p.value - p.error, p.value + p.error, color="0.6", alpha=0.5, lw=0)
    axes[2].axvline(theory["sigma2_finite"][0], color="0.4", lw=0.9, ls=":", label="recursion")
    axes[2].set(xlim=(0.05, 0.5), xlabel=r"$\sigma^2$", title="root, on one clock")
    plain_log(axes[2].xaxis)
    axes[2].legend(fontsize=6.5, loc="lower left")
    text.finish(fig, figure)


def main(path, figure):
    rhm, prototype = Hierarchy(path), read_prototype()
    table(rhm, prototype)
    draw(rhm, caption(rhm, prototype), figure)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
