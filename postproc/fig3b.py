#!/usr/bin/env python3
"""Figure 3b: Ramachandran densities of alanine dipeptide by passive, CLD and active noise at equal iterations, with controls.

usage: fig3b.py results iterations figure.png
"""
import sys

from adpost import Caption
from fig_alanine import ramachandran
from planes import GRID, NOISES, Learned, name_noise, new_figure
from torsions import FLOW, claims, heading, panel, populations, quality


def main(folder, iterations, figure):
    learned = Learned(folder, "alanine", iterations)
    fig = new_figure(14.5, 10)
    grid = fig.add_gridspec(3, 5, height_ratios=(1, 1, 0.75), width_ratios=(1, 1, 1, 1, 0.05))
    axes = [fig.add_subplot(grid[0, 0])]
    metrics = learned.net["uniform"]
    picture = ramachandran(axes[0], metrics, metrics.reference, "molecular dynamics\n(held-out stretches)")
    for c, noise in enumerate(NOISES):
        axes.append(fig.add_subplot(grid[0, c + 1]))
        panel(axes[-1], learned, "uniform", noise, FLOW, f"{name_noise(noise, learned.tau())}, joint net, flow")
    controls = [("sigma", "passive", r"passive, one law of $\sigma$, $\sigma$ grid"), ("sigma", "active", r"active, one law of $\sigma$, $\sigma$ grid"),
                ("reduced", "passive", r"passive, reduced net, $\sigma$ grid"), ("reduced", "active", r"active, reduced net, $\sigma$ grid")]
    for c, (net, noise, title) in enumerate(controls):
        axes.append(fig.add_subplot(grid[1, c]))
        panel(axes[-1], learned, net, noise, GRID, title)
    fig.colorbar(picture, cax=fig.add_subplot(grid[:2, 4]), label=r"$\log_{10}$ density (1/rad$^2$)")
    dot_plot = fig.add_subplot(grid[2, :2])
    quality(dot_plot, learned)
    dot_plot.legend(fontsize=7)
    populations(fig.add_subplot(grid[2, 2]), learned, "uniform", FLOW, "joint nets, flow")
    share = fig.add_subplot(grid[2, 3])
    populations(share, learned, "reduced", GRID, r"reduced net, $\sigma$ grid")
    share.legend(fontsize=7)
    caption = Caption(heading("3b", learned, f"{learned.iterations:,}"))
    claims(caption, learned)
    caption.finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
