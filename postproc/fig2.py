#!/usr/bin/env python3
"""Figure 2: nine peaks, exact scores (a) and learned ones (b), samples and quality of passive, CLD and active noise.

usage: fig2.py results iterations samples figure.png
"""
import sys

from adpost import Caption
from exact import exact_claims, exact_panels, read_exact
from planes import Learned, learned_claims, learned_heading, learned_panels, new_figure

NAMES = ("sw2", "kl", "share3", "tv")


def main(folder, iterations, samples, figure):
    metrics, learned = read_exact(folder, "diamond", samples), Learned(folder, "diamond", iterations)
    fig = new_figure(15.5, 10.5)
    halves = fig.add_gridspec(1, 2, wspace=0.06)
    exact_panels(fig, halves[0], metrics, "diamond", (0.5,), NAMES, "(a) exact scores")
    learned_panels(fig, halves[1], learned, NAMES, ("kl", "share3"), "(b) learned scores")
    caption = Caption(learned_heading("2", "Nine peaks. (a) Exact scores, rate 1, exact start. (b) Learned scores", learned))
    exact_claims(caption, metrics, "diamond")
    learned_claims(caption, learned, "kl")
    caption.finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
