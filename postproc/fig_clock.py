#!/usr/bin/env python3
"""All noises on one clock: error, information and recovery against t and against sigma2; samples on equal grids of each.

usage: fig_clock.py results/fig_clock figure.png
"""
import glob
import os
import sys
import textwrap

import h5py
import numpy as np

from adpost import Metrics, plt

QUANTITIES = {"error": r"$E|x_0 - \hat{x}_0|^2$", "information": r"$I(x_0; X_t)$ (nats)", "recovery": "share of classes recovered"}
GRIDS = {"uniform": "20 steps, uniform in t up to 1", "sigma_rho": r"20 steps, the same $\sigma$ for all, up to 0.5"}


class Noise:
    """One file of `adiff denoise`: each quantity with its standard error and its exact value."""

    def __init__(self, path):
        with h5py.File(path, "r") as f:
            d = f["denoise"]
            self.t, self.sigma2 = d["time"][()], d["sigma2"][()]
            self.value = {q: d[q][()] for q in QUANTITIES}
            self.error = {q: d[q + "_stderr"][()] for q in QUANTITIES}
            self.exact = {q: d["exact_" + q][()] for q in QUANTITIES}
            a = f["process"].attrs
            kind = a["type"].decode() if isinstance(a["type"], bytes) else a["type"]
            self.name = kind + (f" tau {float(np.squeeze(a['tau'])):g}" if kind == "active" else "")


def style(i, name):
    return {"passive": ("k", "s"), "cld": ("C2", "^")}.get(name.split()[0], (plt.cm.plasma(0.9 - 0.22 * (i - 1)), "o"))


def collapse(noises):
    """chi-square of all noises against quadrature, its degrees of freedom, and the largest difference of two noises in units of
    its error with the number of comparisons; points without scatter (all or no classes recovered) do not count."""
    chi2, n, largest, pairs = 0.0, 0, 0.0, 0
    for q in QUANTITIES:
        v, e, x = (np.array([getattr(s, a)[q] for s in noises]) for a in ("value", "error", "exact"))
        good = e > 1e-3 * np.abs(v)
        chi2, n = chi2 + np.sum(((v - x)[good] / e[good]) ** 2), n + good.sum()
        for i in range(len(noises)):
            for j in range(i):
                both = good[i] & good[j]
                z = np.abs(v[i] - v[j])[both] / np.hypot(e[i], e[j])[both]
                largest, pairs = max(largest, z.max()), pairs + len(z)
    return chi2, n, largest, pairs


def quality(metrics, grid):
    """Names of the noises, sliced Wasserstein-2 and its error on one grid."""
    rows = []
    for g in metrics.groups(grid=grid):
        kind = metrics.column["process"][g]
        rows.append((kind + (f" tau {metrics.column['tau'][g]:g}" if kind == "active" else ""), *metrics.get(g, "sw2")))
    names, value, error = zip(*rows)
    return names, np.array(value), np.array(error)


def contrast(value, error, seeds):
    """Variance of the noises' means over that of one mean (known from the seeds): F, and its degrees of freedom."""
    return value.var(ddof=1) / np.mean(error ** 2), len(value) - 1, len(value) * (seeds - 1)


def caption(noises, metrics):
    chi2, n, largest, pairs = collapse(noises)
    (_, vt, et), (_, vs, es) = quality(metrics, "uniform"), quality(metrics, "sigma_rho")
    seeds = int(metrics.column["files"][0])
    ft, fs = contrast(vt, et, seeds), contrast(vs, es, seeds)
    return (f"Exact score of nine peaks, five noises, independent rows and noise for each. At equal sigma2 (right) all lie on the exact "
            f"curve: chi-square {chi2:.0f} for {n} points, {chi2 / n:.2f} a degree of freedom; the largest of {pairs} differences between "
            f"two noises is {largest:.1f} of its standard errors. At equal t (left) they differ. Samples in 20 ancestral steps, sliced "
            f"Wasserstein-2 over {seeds} seeds: {vt.min():.3f} to {vt.max():.3f} on uniform t grids, {vs.min():.3f} to {vs.max():.3f} on "
            f"equal sigma grids; variance between noises over that between seeds F({fs[1]}, {fs[2]}) = {ft[0]:.0f} and {fs[0]:.1f}.")


def draw(noises, metrics, text, figure):
    fig, axes = plt.subplots(4, 2, figsize=(9, 11), layout="constrained", sharey="row")
    for row, (q, label) in enumerate(QUANTITIES.items()):
        for column, x in enumerate(("t", "sigma2")):
            for i, s in enumerate(noises):
                color, marker = style(i, s.name)
                axes[row, column].errorbar(getattr(s, x), s.value[q], s.error[q], color=color, marker=marker, ms=3.5, capsize=1.5,
                                           lw=0.8 if column == 0 else 0, elinewidth=0.8, label=s.name)
            axes[row, column].set(xscale="log", xlabel="time t" if column == 0 else r"$\sigma^2$", yscale="log" if q == "error" else "linear")
        axes[row, 1].plot(noises[0].sigma2, noises[0].exact[q], color="0.6", lw=1.2, zorder=0, label="exact, by quadrature")
        axes[row, 0].set_ylabel(label)
    for column, (grid, title) in enumerate(GRIDS.items()):
        names, value, error = quality(metrics, grid)
        for i, name in enumerate(names):
            color, marker = style(i, name)
            axes[3, column].errorbar(i, value[i], error[i], color=color, marker=marker, ms=5, capsize=3)
        floor = metrics.floor[metrics.name.index("sw2")]
        axes[3, column].axhline(floor, color="0.6", lw=0.8, zorder=0)
        axes[3, column].set_xticks(range(len(names)), [n.replace("active ", "active\n") for n in names], fontsize=8)
        axes[3, column].set_title(title, fontsize=9)
        axes[3, column].set_yscale("log")
    axes[3, 0].set_ylabel("sliced Wasserstein-2")
    axes[3, 0].text(0.02, floor, " fresh draws", color="0.5", fontsize=7, va="bottom", transform=axes[3, 0].get_yaxis_transform())
    axes[0, 1].legend(fontsize=7, loc="lower right")
    fig.get_layout_engine().set(rect=(0, 0.065, 1, 0.935))
    fig.text(0.03, 0.008, textwrap.fill(text, 165), fontsize=7, va="bottom")
    os.makedirs(os.path.dirname(figure) or ".", exist_ok=True)
    fig.savefig(figure, dpi=130)
    print(figure)


def main(folder, figure):
    files = sorted(glob.glob(os.path.join(folder, "denoise_p*.h5")))
    if not files:
        sys.exit(f"postproc: {folder}: expected files of 'adiff denoise', denoise_p*.h5")
    noises, metrics = [Noise(f) for f in files], Metrics(os.path.join(folder, "metrics.h5"))
    text = caption(noises, metrics)
    print(textwrap.fill(text, 110))
    draw(noises, metrics, text, figure)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
