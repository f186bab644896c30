#!/usr/bin/env python3
"""Figure A2: learned scores of nine peaks, far and close: samples and quality of passive, CLD and active noise, with controls.

usage: figA2.py results iterations figure.png
"""
import sys

from adpost import Caption
from planes import Learned, learned_heading, new_figure, pair

SETS = ("diamond", "diamond_close")
NAMES = ("sw2", "kl", "share3", "tv")


def main(folder, iterations, figure):
    fig = new_figure(15.5, 10.5)
    caption = Caption(learned_heading("A2", "Nine peaks, far and close", *(Learned(folder, data, iterations) for data in SETS)))
    pair(fig, fig.add_gridspec(1, 2, wspace=0.06), folder, iterations, SETS, NAMES, ("kl", "share3"), caption)
    caption.finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
