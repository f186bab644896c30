#!/usr/bin/env python3
"""Quality against score evaluations, one panel for each way of comparing noises, with the verdict beneath.

usage: fig_compare.py results/compare.h5 figure.png [scheme [metric]]
"""
import os
import sys
import textwrap

import h5py
import numpy as np

from adpost import plt, texts

WAYS = {"time": "equal t grid (the paper)", "temperature": "equal temperature", "variance": "equal variance of x",
        "sigma": "equal sigma grid"}
LINES = {("exact", "-"): (":", "o"), ("reduced", "lognormal"): ("-", "s"), ("joint", "uniform"): ("--", "^"),
         ("joint", "log"): ("-.", "v"), ("joint", "sigma"): ((0, (5, 1, 1, 1, 1, 1)), "D"),
         ("joint", "lognormal"): ((0, (5, 1, 1, 1, 1, 1)), "D")}


class Compare:
    """The table of `adiff compare`: one row a cell, with its labels."""

    def __init__(self, path):
        try:
            with h5py.File(path, "r") as f:
                c = f["compare"]
                self.metric, self.words = texts(c["metric"]), texts(c["words"])
                self.value, self.error = c["value"][()], c["stderr"][()]
                self.floor, self.floor_error = c["floor"][()], c["floor_stderr"][()]
                n = len(self.value)
                self.column = {k: (np.array(texts(d)) if d.dtype.kind == "S" else d[()])
                               for k, d in c.items() if isinstance(d, h5py.Dataset) and d.shape == (n,)}
        except (OSError, KeyError) as problem:
            sys.exit(f"postproc: {path}: expected a file of 'adiff compare' ({problem})")

    def unique(self, name):
        """The values of a column in the order of the table."""
        values = self.column[name]
        return list(dict.fromkeys(values))

    def rows(self, **wanted):
        """Rows whose columns have these values, by number of steps."""
        good = np.ones(len(self.value), bool)
        for name, value in wanted.items():
            good &= self.column[name] == value
        found = np.flatnonzero(good)
        return found[np.argsort(self.column["steps"][found])]


def panel(axes, table, way, scheme, metric, colours):
    m = table.metric.index(metric)
    for (score, times), (line, marker) in LINES.items():
        for noise, colour in colours.items():
            rows = table.rows(way=way, scheme=scheme, last="none", score=score, times=times, noise=noise)
            if rows.size:
                axes.errorbar(table.column["steps"][rows], table.value[rows, m], table.error[rows, m], color=colour, ls=line,
                              marker=marker, ms=3.5, lw=1.1, capsize=2, mfc="white" if score != "exact" else None)
    low = table.floor[m] - np.nan_to_num(table.floor_error[m])
    high = table.floor[m] + np.nan_to_num(table.floor_error[m])
    axes.axhspan(low, high, color="0.85", zorder=0)
    axes.axhline(table.floor[m], color="0.6", lw=0.8, zorder=0)
    steps = table.unique("steps")
    axes.set(xscale="log", yscale="log", xlabel="score evaluations a sample", xticks=steps)
    axes.set_xticklabels([str(s) for s in steps])
    axes.minorticks_off()
    axes.set_title(WAYS[way], fontsize=9)


def legend(fig, table, colours):
    """Noises by colour, scores by line, once for all panels."""
    present = set(zip(table.column["score"], table.column["times"]))
    handles = [plt.Line2D([], [], color=c, lw=2, label=n) for n, c in colours.items()]
    for (score, times), (line, marker) in LINES.items():
        if (score, times) in present:
            handles.append(plt.Line2D([], [], color="0.3", ls=line, marker=marker, ms=4, mfc="white" if score != "exact" else None,
                                      label=score if score != "joint" else f"joint, {times} times"))
    handles.append(plt.Rectangle((0, 0), 1, 1, color="0.85", label="floor: data"))
    fig.legend(handles=handles, loc="upper center", ncol=len(handles), fontsize=7.5, handlelength=2.6)


def verdict(words):
    """The closing paragraph of the words."""
    start = max((i for i, w in enumerate(words) if w.startswith("which claims survive")), default=len(words))
    lines = []
    for line in words[start:]:
        lines += textwrap.wrap(line, 175, subsequent_indent="      ", drop_whitespace=True, replace_whitespace=False)
    return lines


def main(path, figure, scheme="em", metric=None):
    table = Compare(path)
    metric = metric or table.metric[0]
    if scheme not in table.column["scheme"] or metric not in table.metric:
        sys.exit(f"fig_compare: {path} has schemes {table.unique('scheme')} and metrics {table.metric}")
    ways, lines = table.unique("way"), verdict(table.words)
    colours = {noise: f"C{i}" for i, noise in enumerate(table.unique("noise"))}
    height = 3.7 + 0.16 * len(lines)
    fig, grid = plt.subplots(1, len(ways), figsize=(3.3 * len(ways), height), sharey=True, squeeze=False)
    for axes, way in zip(grid[0], ways):
        panel(axes, table, way, scheme, metric, colours)
    grid[0, 0].set_ylabel(f"{metric}, {scheme}")
    bottom = (0.55 + 0.16 * len(lines)) / height
    fig.subplots_adjust(left=0.62 / (3.3 * len(ways)), right=0.99, top=1 - 0.55 / height, bottom=bottom, wspace=0.06)
    legend(fig, table, colours)
    fig.text(0.01, 0.01, "\n".join(lines), fontsize=7.5, va="bottom", family="monospace", linespacing=1.35)
    os.makedirs(os.path.dirname(figure) or ".", exist_ok=True)
    fig.savefig(figure, dpi=130)
    print(figure)


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
