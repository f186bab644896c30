#!/usr/bin/env python3
"""Figure A4: overlapping Swiss rolls, learned scores, against time steps (a) and against training iterations (b).

usage: figA4.py results "iterations ..." figure.png
"""
import sys

from adpost import Caption, numbers, scatter
from planes import (EM, GRID, NOISES, TITLE, WINDOW, Learned, against_iterations, learned_claims, learned_heading, learned_panels,
                    name_noise, name_part, new_figure, stack)

DATA = "multi_swissroll_overlap"
NAMES = ("sw2", "kl", "share3")
FINE = {**EM, "steps": 500}


def iteration_panels(fig, spec, runs):
    """Samples of joint nets at dt 0.002, a column each number of iterations; quality of all nets beneath."""
    top, low = stack(fig, spec, 3, 2)
    grid = top.subgridspec(3, len(runs), wspace=0.02, hspace=0.04)
    for c, learned in enumerate(runs):
        metrics = learned.net["uniform"]
        for r, noise in enumerate(NOISES):
            wanted = {"process": noise, **FINE}
            axes = fig.add_subplot(grid[r, c])
            scatter(axes, metrics.samples(**wanted), WINDOW[DATA], f"{learned.iterations:,} iterations" if r == 0 else "",
                    numbers(metrics, NAMES, **wanted))
            if c == 0:
                axes.set_ylabel(name_noise(noise, learned.tau()), fontsize=8)
                if r == 0:
                    name_part(axes, "(b) against training iterations, dt 0.002")
    against_iterations(low[0], runs, "share3", FINE, "EM, dt 0.002")
    against_iterations(low[1], runs, "share3", GRID, r"one $\sigma$ grid, 20 steps")
    low[0].legend(fontsize=6.5, ncol=2)


def main(folder, lengths, figure):
    runs = [Learned(folder, DATA, n) for n in lengths.split()]
    last = runs[-1]
    fig = new_figure(15.5, 10.5)
    halves = fig.add_gridspec(1, 2, wspace=0.06)
    learned_panels(fig, halves[0], last, NAMES, ("kl", "share3"), f"(a) against time steps, {last.iterations:,} iterations")
    iteration_panels(fig, halves[1], runs)
    caption = Caption(learned_heading("A4", "Overlapping Swiss rolls", last))
    learned_claims(caption, last, "kl")
    for learned in runs:
        when = f"{TITLE[DATA]}, {learned.iterations:,} iterations"
        for text, scheme in (("learned: active has more samples on the rolls than passive, dt 0.002", FINE),
                             ("control: active has more samples on the rolls than passive, one sigma grid, 20 steps", GRID)):
            caption.higher(f"{when}, {text}", *(learned.find("share3", "uniform", noise, scheme) for noise in ("active", "passive")), "share")
    caption.finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
