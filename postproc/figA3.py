#!/usr/bin/env python3
"""Figure A3: learned scores of swiss rolls: samples and quality of passive, CLD and active noise, with controls.

usage: figA3.py results iterations figure.png
"""
import sys

from adpost import Caption
from planes import Learned, learned_heading, new_figure, pair

SETS = ("swissroll", "multi_swissroll")
NAMES = ("sw2", "kl", "share3")


def main(folder, iterations, figure):
    fig = new_figure(15.5, 10.5)
    caption = Caption(learned_heading("A3", "Swiss rolls", *(Learned(folder, data, iterations) for data in SETS)))
    pair(fig, fig.add_gridspec(1, 2, wspace=0.06), folder, iterations, SETS, NAMES, ("kl", "share3"), caption)
    caption.finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
