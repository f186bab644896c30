#!/usr/bin/env python3
"""Figure A1: nine peaks, far (a) and close (b), exact scores: persistence times against time steps.

usage: figA1.py results samples figure.png
"""
import sys

from adpost import Caption
from exact import TAUS, exact_claims, exact_panels, read_exact
from planes import TITLE, new_figure


def main(folder, samples, figure):
    fig = new_figure(15.5, 18)
    halves = fig.add_gridspec(1, 2, wspace=0.06)
    caption = Caption("Figure A1. Nine peaks with exact scores, k = T = Ta = 1, exact start at t = 1, Euler-Maruyama on uniform times, and the ancestral scheme of "
                      "order 2 on one grid of 20 sigmas from 0.5 for all noises; mean of the seeds, 10,000 samples each.")
    for part, data in enumerate(("diamond", "diamond_close")):
        metrics = read_exact(folder, data, samples)
        exact_panels(fig, halves[part], metrics, data, TAUS, ("kl", "share3"), f"({'ab'[part]}) {TITLE[data]}")
        exact_claims(caption, metrics, data)
    caption.finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
