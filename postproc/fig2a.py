#!/usr/bin/env python3
"""Figures 2a and A1: quality against the time step for passive, CLD and active noise, beside an independent prototype.

usage: fig2a.py results/fig2a figure.png
"""
import os
import sys

import numpy as np

from adpost import Estimate, compare, measured, plt, read_reference

TITLE = {"ring": "ring, r = 1/sqrt 2", "ring_close": "ring, r = sqrt 2/5", "diamond": "diamond", "diamond_close": "close diamond"}


def rounding(metric, expected):
    """Half a unit of the last digit of the prototype's table."""
    return 0.5 * 10.0 ** -(2 if metric == "kl" else 3 if expected > 0.01 else 4)


def panel(axes, table, data, metric, scheme, label, floor, noises):
    steps = np.array([10, 100, 500])
    for i, noise in enumerate(noises):
        keys = [(data, noise, scheme, n, metric) for n in steps]
        if not any(k in table for k in keys):
            continue
        value, error = np.array([table.get(k, Estimate(np.nan))[:2] for k in keys]).T
        style = {"passive": ("k", "s"), "cld": ("C2", "^")}.get(noise.split()[0], (plt.cm.plasma(0.9 - 0.16 * (i - 3)), "o"))
        axes.errorbar(1 / steps, value, error, marker=style[1], color=style[0], ms=4, lw=1, capsize=2, label=noise,
                      ls="--" if "0.666" in noise or "Tp" in noise else "-")
    if floor is not None:
        axes.axhline(floor, color="0.6", lw=0.8, zorder=0)
    axes.set(xscale="log", xlabel="time step dt", ylabel=label)
    axes.set_title(f"{TITLE[data]}: {scheme.replace(' none', '').replace(' mean', ', last step mean')}", fontsize=8)


def draw(table, floors, figure):
    noises = ["passive T 1", "passive T 0.666667", "cld", "active tau 0.01", "active tau 0.1", "active tau 0.25",
              "active tau 0.5", "active tau 1", "active tau 2"]
    fig, axes = plt.subplots(2, 4, figsize=(15, 7), layout="constrained")
    for row, data in enumerate(("ring", "ring_close")):
        panel(axes[row, 0], table, data, "sw2", "em none", "sliced Wasserstein-2", floors[data].get("sw2"), noises)
        panel(axes[row, 1], table, data, "kl", "em none", "KL of bin masses (nats)", floors[data].get("kl"), noises)
        panel(axes[row, 2], table, data, "kl", "em mean", "KL of bin masses (nats)", floors[data].get("kl"), noises)
        axes[row, 0].set_yscale("log")
    for row, data in enumerate(("diamond", "diamond_close")):
        panel(axes[row, 3], table, data, "share3", "em none", "share within 3 sd of a peak", floors[data].get("share3"), noises)
    handles, labels = axes[0, 3].get_legend_handles_labels()
    for handle, label in zip(*axes[0, 0].get_legend_handles_labels()):
        if label not in labels:
            handles, labels = handles + [handle], labels + [label]
    fig.get_layout_engine().set(rect=(0, 0.05, 1, 0.95))
    fig.legend(handles, labels, loc="lower center", ncol=len(labels), fontsize=8)
    os.makedirs(os.path.dirname(figure) or ".", exist_ok=True)
    fig.savefig(figure, dpi=130)
    print(figure)


def main(folder, figure):
    table, floors = {}, {}
    for data in TITLE:
        part, floors[data] = measured(data, os.path.join(folder, data + ".h5"))
        table.update(part)
    compare(table, read_reference("fig2a.csv"), rounding)
    draw(table, floors, figure)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
