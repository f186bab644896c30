#!/usr/bin/env python3
"""Figure A1: nine peaks, far (a) and close (b), exact scores: persistence times against time steps.

usage: figA1.py results samples figure.png
"""
import sys

from adpost import Caption
from exact import TAUS, exact_claims, exact_quality, read_exact, rows
from planes import SCHEMES, TITLE, WINDOW, block, new_figure


def main(folder, samples, figure):
    fig = new_figure(15.5, 15)
    halves = fig.add_gridspec(1, 2, wspace=0.06)
    caption = Caption("Figure A1. Nine peaks with exact scores, k = T = Ta = 1, exact start at t = 1, Euler-Maruyama on uniform times, and DDIM "
                      "order 2 on one grid of 20 sigmas from 0.5 for all noises; mean of the seeds, 10,000 samples each.")
    for part, data in enumerate(("diamond", "diamond_close")):
        metrics = read_exact(folder, data, samples)
        side = halves[part].subgridspec(2, 1, height_ratios=(7, 1.2))
        axes = block(fig, side[0], rows(metrics, TAUS), SCHEMES, WINDOW[data], ("kl", "share3"))
        axes[0, 0].annotate(f"({'ab'[part]}) {TITLE[data]}", (0, 1.2), xycoords="axes fraction", fontsize=10, weight="bold")
        low = side[1].subgridspec(1, 2)
        for k, metric in enumerate(("kl", "share3")):
            panel = fig.add_subplot(low[k])
            exact_quality(panel, metrics, metric)
            if metric == "share3":
                panel.legend(fontsize=6, loc="lower right", ncol=2)
        exact_claims(caption, metrics, data)
    caption.finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
