#!/usr/bin/env python3
"""Figure A5: alanine dipeptide against training iterations: passive, CLD and active noise, probability flow, with controls.

usage: figA5.py results "iterations ..." figure.png
"""
import sys

from adpost import Caption
from fig_alanine import ramachandran
from planes import GRID, NOISES, Learned, against_iterations, name_noise, new_figure
from torsions import FLOW, claims, heading, panel


def main(folder, lengths, figure):
    runs = [Learned(folder, "alanine", n) for n in lengths.split()]
    fig = new_figure(3.3 * (len(runs) + 1) + 1, 9.6)
    grid = fig.add_gridspec(3, len(runs) + 2, width_ratios=(1.15,) + (1,) * len(runs) + (0.05,))
    axes = [fig.add_subplot(grid[0, 0])]
    metrics = runs[-1].net["uniform"]
    picture = ramachandran(axes[0], metrics, metrics.reference, "molecular dynamics\n(held-out stretches)")
    for c, learned in enumerate(runs):
        for r, noise in enumerate(NOISES):
            axes.append(fig.add_subplot(grid[r, c + 1]))
            panel(axes[-1], learned, "uniform", noise, FLOW, f"{name_noise(noise, learned.tau())}, {learned.iterations:,} iterations")
    fig.colorbar(picture, cax=fig.add_subplot(grid[:, -1]), label=r"$\log_{10}$ density (1/rad$^2$)")
    curves = [fig.add_subplot(grid[1 + k, 0]) for k in range(2)]
    against_iterations(curves[0], runs, "js", FLOW, "flow, last step denoised")
    against_iterations(curves[1], runs, "js", GRID, r"one $\sigma$ grid, 20 steps")
    curves[1].legend(fontsize=6)
    caption = Caption(heading("A5", runs[-1], " or ".join(f"{r.iterations:,}" for r in runs)))
    for learned in runs:
        claims(caption, learned)
    caption.finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
