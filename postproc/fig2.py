#!/usr/bin/env python3
"""Figure 2: nine peaks, exact scores (a) and learned ones (b), samples and quality of passive, CLD and active noise.

usage: fig2.py results iterations samples figure.png
"""
import sys

from adpost import Caption
from exact import exact_claims, exact_quality, read_exact, rows
from planes import (SCHEMES, WINDOW, Learned, block, learned_claims, learned_heading, learned_panels, new_figure)

NAMES = ("sw2", "kl", "share3", "tv")


def main(folder, iterations, samples, figure):
    metrics, learned = read_exact(folder, "diamond", samples), Learned(folder, "diamond", iterations)
    fig = new_figure(15.5, 8.8)
    halves = fig.add_gridspec(1, 2, wspace=0.06)
    left = halves[0].subgridspec(2, 1, height_ratios=(3, 1))
    axes = block(fig, left[0], rows(metrics, (0.5,)), SCHEMES, WINDOW["diamond"], NAMES)
    axes[0, 0].annotate("(a) exact scores", (0, 1.22), xycoords="axes fraction", fontsize=10, weight="bold")
    low = left[1].subgridspec(1, 2)
    for k, metric in enumerate(("kl", "share3")):
        panel = fig.add_subplot(low[k])
        exact_quality(panel, metrics, metric)
        if metric == "share3":
            panel.legend(fontsize=6, loc="lower right", ncol=2)
    axes = learned_panels(fig, halves[1], learned, NAMES, ("kl", "share3"))
    axes[0, 0].annotate("(b) learned scores", (0, 1.22), xycoords="axes fraction", fontsize=10, weight="bold")
    caption = Caption(learned_heading("2", "Nine peaks. (a) Exact scores, rate 1, exact start. (b) Learned scores", learned))
    exact_claims(caption, metrics, "diamond")
    learned_claims(caption, learned, "kl")
    caption.finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
