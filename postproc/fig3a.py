#!/usr/bin/env python3
"""Figure 3a: overlapping Swiss rolls, learned scores, passive against CLD and active noise at dt 0.01, with controls.

usage: fig3a.py results iterations figure.png
"""
import sys

from adpost import Caption, numbers, scatter
from planes import EM, GRID, NOISES, WINDOW, Learned, learned_claims, learned_heading, learned_quality, name_noise, new_figure, stack

DATA = "multi_swissroll_overlap"
NAMES = ("sw2", "kl", "share3")
CELLS = [("uniform", {**EM, "steps": 100}, ""), ("uniform", GRID, "control: the same joint nets,\n20 ancestral steps\non one $\\sigma$ grid"),
         ("reduced", GRID, "control: one reduced net\nfor all noises, 20 ancestral steps\non one $\\sigma$ grid")]


def main(folder, iterations, figure):
    learned = Learned(folder, DATA, iterations)
    fig = new_figure(11.5, 12.5)
    spec, low = stack(fig, fig.add_gridspec(1, 1)[0], 5, 2)
    grid = spec.subgridspec(3, 4, wspace=0.02, hspace=0.04)
    scatter(fig.add_subplot(grid[0, 0]), learned.truth(), WINDOW[DATA], "truth")
    for r, (net, scheme, text) in enumerate(CELLS):
        if text:
            blank = fig.add_subplot(grid[r, 0])
            blank.set_axis_off()
            blank.text(0.5, 0.5, text, ha="center", va="center", fontsize=9)
        for c, noise in enumerate(NOISES):
            metrics, wanted = learned.net[net], {"process": noise, **scheme}
            title = "" if r else f"{name_noise(noise, learned.tau())}, joint net,\nEuler-Maruyama, dt 0.01"
            scatter(fig.add_subplot(grid[r, c + 1]), metrics.samples(**wanted), WINDOW[DATA], title, numbers(metrics, NAMES, **wanted))
    for panel, metric in zip(low, ("kl", "share3")):
        learned_quality(panel, learned, metric)
    low[0].legend(fontsize=7, loc="best")
    low[1].set_xlabel(r"time step dt of Euler-Maruyama; $\sigma$: 20 steps on one grid", fontsize=8)
    caption = Caption(learned_heading("3a", "Overlapping Swiss rolls", learned))
    learned_claims(caption, learned, "kl")
    caption.finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
