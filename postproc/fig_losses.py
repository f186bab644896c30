#!/usr/bin/env python3
"""Which loss for which noise: a table of errors with ranks, and one figure with all settings.

usage: fig_losses.py results/losses figure.png
"""
import os
import sys

import numpy as np

from adpost import Metrics, plt

NOISE = {"passive": ("passive", "k", "s"), "active": (r"active $\tau$ 0.5", "C3", "o"), "cld": ("CLD", "C2", "^")}
SCHEME = {"em": "Euler-Maruyama, uniform t, 100", "ddim": "DDIM order 2, sigma grid, 20"}
NAME = {"sw2": "sliced Wasserstein-2", "kl": "KL of bin masses (nats)"}  # what the figure and the tables show; ranks see all


def read(folder):
    """Settings in order, data sets, and table[data, setting, noise, scheme, metric] = (value, standard error); floors[data, metric]."""
    with open(os.path.join(folder, "settings.txt"), encoding="utf8") as f:
        settings = [line.rstrip("\n").split(";") for line in f]
    table, floors, data = {}, {}, []
    for name, _ in settings:
        for file in sorted(os.listdir(os.path.join(folder, name))):
            d = file[:-3]
            if not file.endswith(".h5") or d.startswith(("train", "sample")):
                continue
            data += [] if d in data else [d]
            metrics = Metrics(os.path.join(folder, name, file))
            for g in range(len(metrics.label)):
                for metric in metrics.name:
                    key = d, name, metrics.column["process"][g], metrics.column["scheme"][g], metric
                    table[key] = metrics.get(g, metric)
            floors.update({(d, metric): floor for metric, floor in zip(metrics.name, metrics.floor)})
    return settings, data, table, floors


def ranks(settings, floors, table, noise, scheme):
    """Rank of each setting (1: best), mean over data sets and the metrics they have."""
    total = np.zeros(len(settings))
    for d, metric in floors:
        values = np.array([table[d, name, noise, scheme, metric][0] for name, _ in settings])
        total += 1 + np.argsort(np.argsort(values))
    return total / len(floors)


def show(entry):
    """1.234(56): the error in units of the last digit of the value."""
    value, error = entry
    if not np.isfinite(value) or value >= 100:
        return f"{value:.2g}"
    digits = 4 if value < 0.1 else 3 if value < 1 else 2
    return f"{value:.{digits}f}({10 ** digits * error:.0f})" if np.isfinite(error) else f"{value:.{digits}f}"


def print_tables(settings, data, table, floors):
    for d in data:
        for scheme, text in SCHEME.items():
            print(f"\n{d}, {text}; floor " + ", ".join(f"{m} {floor:.4f}" for (e, m), floor in floors.items() if e == d))
            print(" " * 42 + "".join(f"{n + ' ' + m:>17s}" for n in NOISE for m in NAME))
            for name, label in settings:
                cells = [show(table[d, name, n, scheme, m]) for n in NOISE for m in NAME]
                print(f"{label:42s}" + "".join(f"{c:>17s}" for c in cells))
    print("\nmean rank over data sets and metrics (1 is best)")
    print(" " * 42 + "".join(f"{n + ' ' + s:>14s}" for s in SCHEME for n in NOISE) + f"{'all':>8s}")
    columns = np.array([ranks(settings, floors, table, n, s) for s in SCHEME for n in NOISE])
    for i in np.argsort(columns.mean(0)):
        print(f"{settings[i][1]:42s}" + "".join(f"{c:14.1f}" for c in columns[:, i]) + f"{columns[:, i].mean():8.1f}")
    for k, (s, n) in enumerate((s, n) for s in SCHEME for n in NOISE):
        print(f"best for {n}, {s}: {settings[int(np.argmin(columns[k]))][1]}")


def panel(axes, settings, table, floors, d, scheme, metric):
    """One metric of all settings; noises side by side within a row."""
    for k, (noise, (label, colour, marker)) in enumerate(NOISE.items()):
        value, error = np.array([table[d, name, noise, scheme, metric] for name, _ in settings]).T
        axes.errorbar(value, np.arange(len(settings)) + 0.22 * (k - 1), xerr=error, fmt=marker, color=colour, ms=4,
                      capsize=2, lw=1, label=label)
    axes.axvline(floors[d, metric], color="0.5", lw=1)
    for i in range(0, len(settings), 2):
        axes.axhspan(i - 0.5, i + 0.5, color="0.95", lw=0, zorder=0)
    axes.set(xscale="log" if metric == "sw2" else "linear", ylim=(len(settings) - 0.5, -0.5), xlabel=NAME[metric])
    axes.set_title(f"{d.replace('_', ' ')}: {SCHEME[scheme]}", fontsize=8)
    if metric == "sw2":
        axes.xaxis.set_minor_formatter(plt.NullFormatter())


def draw(settings, data, table, floors, figure):
    shown = [(scheme, metric) for scheme in SCHEME for metric in NAME]
    fig, grid = plt.subplots(len(data), len(shown), figsize=(15, 0.6 + (0.9 + 0.27 * len(settings)) * len(data)),
                             sharey=True, squeeze=False, layout="constrained")
    for row, d in zip(grid, data):
        for axes, (scheme, metric) in zip(row, shown):
            panel(axes, settings, table, floors, d, scheme, metric)
        row[0].set_yticks(range(len(settings)), [label for _, label in settings])
    handles, labels = grid[0, 0].get_legend_handles_labels()
    handles.append(plt.Line2D([], [], color="0.5", lw=1))
    labels.append("floor: fresh draws of the data")
    fig.get_layout_engine().set(rect=(0, 0.03, 1, 0.97))
    fig.legend(handles, labels, loc="lower center", ncol=4)
    os.makedirs(os.path.dirname(figure) or ".", exist_ok=True)
    fig.savefig(figure, dpi=130)
    print(figure)


def main(folder, figure):
    settings, data, table, floors = read(folder)
    print_tables(settings, data, table, floors)
    draw(settings, data, table, floors, figure)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
