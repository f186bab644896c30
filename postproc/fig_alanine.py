#!/usr/bin/env python3
"""Ramachandran figure of the main job: data, passive, active and reduced models, and the quality against evaluations.

usage: fig_alanine.py metrics.h5 figure.png
"""
import os
import sys

import numpy as np

from adpost import Metrics, plt

BASINS = {r"$\alpha_R$": (-60, -45), r"P$_{II}$": (-75, 145), "C5": (-160, 165)}


def ramachandran(axes, metrics, density, title):
    """Log density of the torsions in degrees; bins that no sample hit stay white."""
    edges = np.degrees(metrics.edges)
    shown = np.log10(np.where(density > 0, density, np.nan)).T
    picture = axes.pcolormesh(edges[0], edges[1], shown, vmin=-4, vmax=0.5, rasterized=True)
    for name, (phi, psi) in BASINS.items():
        axes.plot(phi, psi, "+", color="red", ms=7)
        axes.annotate(name, (phi, psi), xytext=(6, -10), textcoords="offset points", color="red", fontsize=9)
    axes.set(xlim=(-180, 180), ylim=(-180, 180), xticks=(-180, -90, 0, 90, 180), yticks=(-180, -90, 0, 90, 180),
             xlabel=r"$\phi$ (deg)", ylabel=r"$\psi$ (deg)")
    axes.set_title(title, fontsize=9)
    axes.set_aspect("equal")
    return picture


def shown_group(metrics, title, **wanted):
    """The group to draw, and its title with its Jensen-Shannon divergence."""
    groups = metrics.groups(**wanted)
    if not groups:
        sys.exit(f"fig_alanine: no group with {wanted}; run jobs/run_alanine.sh again")
    value, error = metrics.get(groups[0], "js")
    return groups[0], f"{title}\nJS {value:.4f} $\\pm$ {error:.4f}"


def quality(axes, metrics):
    """JS against score evaluations, Euler-Maruyama on uniform grids and the multistep scheme."""
    curves = [("passive", "joint net", "em"), ("active", "joint net", "em"), ("passive", "reduced net", "ddim"),
              ("active", "reduced net", "ddim"), ("cld", "reduced net", "ddim"), ("passive", "joint net", "ddim"),
              ("active", "joint net", "ddim")]
    colours = {"passive": "C0", "active": "C3", "cld": "C2"}
    for process, score, scheme in curves:
        groups = sorted(metrics.groups(process=process, score=score, scheme=scheme),
                        key=lambda g: metrics.column["evaluations"][g])
        calls = [metrics.column["evaluations"][g] for g in groups]
        value, error = zip(*(metrics.get(g, "js") for g in groups))
        axes.errorbar(calls, value, error, marker="o" if score == "joint net" else "s", ms=3.5, capsize=2,
                      ls="-" if scheme == "em" else "--", color=colours[process], lw=1,
                      mfc="white" if score == "reduced net" else None,
                      label=f"{process}, {score.split()[0]}, {'EM uniform' if scheme == 'em' else 'DDIM-2M sigma'}")
    floor = metrics.floor[metrics.name.index("js")]
    axes.axhline(floor, color="0.5", lw=0.8)
    axes.annotate("training rows against held-out rows", (9, floor), xytext=(0, -9), textcoords="offset points", fontsize=7, color="0.4")
    axes.set(xscale="log", yscale="log", xlabel="score evaluations a sample", ylabel="Jensen-Shannon divergence (nats)",
             xticks=(10, 20, 50, 100, 500), xticklabels=("10", "20", "50", "100", "500"),
             yticks=(0.02, 0.03, 0.05, 0.1, 0.2), yticklabels=("0.02", "0.03", "0.05", "0.1", "0.2"))
    axes.minorticks_off()


def main(path, figure):
    metrics = Metrics(path)
    models = [shown_group(metrics, "passive, joint net, EM 500", process="passive", score="joint net", scheme="em", steps=500),
              shown_group(metrics, r"active $\tau$ 0.5, joint net, EM 500", process="active", score="joint net", scheme="em", steps=500),
              shown_group(metrics, "reduced net, DDIM-2M, 20 evaluations", process="active", score="reduced net", scheme="ddim", steps=20)]
    fig, grid = plt.subplots(2, 3, figsize=(12, 7.6), layout="constrained")
    axes = [grid[0, 0], grid[0, 1], grid[0, 2], grid[1, 0]]
    picture = ramachandran(axes[0], metrics, metrics.reference, "molecular dynamics\n(held-out blocks)")
    for panel, (group, title) in zip(axes[1:], models):
        ramachandran(panel, metrics, metrics.histogram[group], title)
    fig.colorbar(picture, ax=grid[:, 0], location="left", shrink=0.6, label=r"$\log_{10}$ density (1/rad$^2$)")
    quality(grid[1, 1], metrics)
    grid[1, 2].axis("off")
    grid[1, 2].legend(*grid[1, 1].get_legend_handles_labels(), loc="center left", fontsize=8)
    os.makedirs(os.path.dirname(figure) or ".", exist_ok=True)
    fig.savefig(figure, dpi=130)
    print(figure)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
