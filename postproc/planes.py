"""What figures of two-dimensional data share: blocks of sample panels, dot plots of quality with controls, claims."""
import os

import numpy as np

from adpost import LONG, SYMBOL, Metrics, draw_floor, numbers, plain_log, plt, read_samples, scatter, style

EM = {"scheme": "em", "last": "none"}
GRID = {"scheme": "anc", "steps": 20}  # the same sigmas for every noise
SCHEMES = {"EM, dt 0.1": {**EM, "steps": 10}, "EM, dt 0.01": {**EM, "steps": 100}, "EM, dt 0.002": {**EM, "steps": 500},
           r"$\sigma$ grid, 20 steps": GRID}
TICKS = ("0.1", ".01", ".002", r"$\sigma$")
NOISES = {"passive": "passive", "cld": "CLD", "active": "active"}
NETS = {"uniform": "joint, uniform t", "sigma": r"joint, one law of $\sigma$", "reduced": "one reduced net"}
WINDOW = {"diamond": (-1, 1), "diamond_close": (-0.5, 0.5), "swissroll": (-0.2, 0.2), "multi_swissroll": (-1, 1),
          "multi_swissroll_overlap": (-0.27, 0.27)}
TITLE = {"diamond": "nine peaks", "diamond_close": "nine close peaks", "swissroll": "Swiss roll", "multi_swissroll": "five rolls",
         "multi_swissroll_overlap": "overlapping rolls", "alanine": "alanine dipeptide"}


class Learned:
    """Quality and samples of the models of one data set: joint nets, joint nets trained evenly in sigma, reduced nets."""

    def __init__(self, folder, data, iterations):
        self.folder, self.data, self.iterations = os.path.join(folder, "learned", f"{data}_{iterations}"), data, int(iterations)
        self.net = {name: Metrics(os.path.join(self.folder, name + ".h5")) for name in NETS}
        self.seeds = int(max(self.net["uniform"].count))

    def find(self, metric, net, noise, scheme):
        return self.net[net].find(metric, process=noise, **scheme)

    def truth(self):
        return read_samples(os.path.join(self.folder, "truth.h5"))

    def tau(self):
        metrics = self.net["uniform"]
        return metrics.column["tau"][metrics.groups(process="active")[0]]


def name_noise(noise, tau=None):
    return NOISES[noise] + (rf" $\tau$ = {tau:g}" if noise == "active" and tau is not None else "")


def block(fig, spec, rows, schemes, window, names):
    """Panels of samples, a row each noise, a column each scheme. rows: (label, metrics, properties); returns the axes."""
    grid = spec.subgridspec(len(rows), len(schemes), wspace=0.02, hspace=0.04)
    axes = np.array([[fig.add_subplot(grid[r, c]) for c in range(len(schemes))] for r in range(len(rows))])
    for r, (label, metrics, wanted) in enumerate(rows):
        for c, (title, scheme) in enumerate(schemes.items()):
            everything = {**wanted, **scheme}
            scatter(axes[r, c], metrics.samples(**everything), window, title if r == 0 else "", numbers(metrics, names, **everything))
        axes[r, 0].set_ylabel(label, fontsize=8)
    return axes


def dots(axes, groups, series, metric, floor, line="-"):
    """Quality over groups of settings with a gap between them. groups: (title, ticks); series: (label, style, Estimates)."""
    place, at = [], 0
    for title, ticks in groups:
        place += [at + k for k in range(len(ticks))]
        axes.annotate(title, (at + (len(ticks) - 1) / 2, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3), ha="center",
                      textcoords="offset points", fontsize=7.5)
        if at:
            axes.axvline(at - 1, color="0.85", lw=0.8)
        at += len(ticks) + 1
    place = np.array(place, float)
    ends = np.cumsum([len(ticks) for _, ticks in groups])[:-1]
    seen = set()
    for k, (label, (colour, marker), found) in enumerate(series):
        shift = 0.12 * (k - (len(series) - 1) / 2)
        value, error = np.array([(e.value, e.error) for e in found], float).T
        for piece in np.split(np.arange(len(place)), ends):
            piece = piece[np.isfinite(value[piece])]
            if len(piece):
                axes.errorbar(place[piece] + shift, value[piece], np.nan_to_num(error[piece]), color=colour, marker=marker, ms=4, lw=0.8,
                              ls=line, elinewidth=0.8, capsize=2, label=label if label not in seen else None)
                seen.add(label)
    if floor is not None:
        axes.axhline(floor, color="0.6", lw=0.8, zorder=0)
        axes.annotate("floor", (place[0] - 0.6, floor), xytext=(0, 2), textcoords="offset points", fontsize=6.5, color="0.4")
    axes.set(xticks=place, xlim=(place[0] - 0.7, place[-1] + 0.7), ylabel=LONG.get(metric, metric))
    axes.set_xticklabels([t for _, ticks in groups for t in ticks], fontsize=7)
    if metric not in ("share3", "population") and min(e.value for _, _, found in series for e in found if np.isfinite(e.value)) > 0:
        axes.set_yscale("log")
        plain_log(axes.yaxis)


def learned_quality(axes, learned, metric, schemes=None, ticks=TICKS, nets=tuple(NETS)):
    """All nets, all schemes, the three noises."""
    schemes = SCHEMES if schemes is None else schemes
    series = [(name_noise(noise, learned.tau()), style(noise),
               [learned.find(metric, net, noise, s) for net in nets for s in schemes.values()]) for noise in NOISES]
    dots(axes, [(NETS[net], ticks) for net in nets], series, metric, learned.net["uniform"].get_floor(metric).value)


def learned_rows(learned, net="uniform"):
    return [(name_noise(noise, learned.tau()), learned.net[net], {"process": noise}) for noise in NOISES]


def stack(fig, spec, panels, dot_plots):
    """A grid of panels above some flat dot plots: the specification of the first, the axes of the others."""
    parts = spec.subgridspec(1 + dot_plots, 1, height_ratios=(panels,) + (0.62,) * dot_plots, hspace=0.06)
    return parts[0], [fig.add_subplot(parts[1 + k]) for k in range(dot_plots)]


def learned_panels(fig, spec, learned, names, metrics, title):
    """The block of joint nets, and beneath it the dot plots of some metrics with the controls."""
    top, low = stack(fig, spec, 3, len(metrics))
    axes = block(fig, top, learned_rows(learned), SCHEMES, WINDOW[learned.data], names)
    name_part(axes[0, 0], title)
    for panel, metric in zip(low, metrics):
        learned_quality(panel, learned, metric)
    low[-1].legend(fontsize=6.5, loc="upper left", bbox_to_anchor=(0, 0.94))
    low[-1].set_xlabel(r"time step dt of Euler-Maruyama; $\sigma$: 20 steps on one grid", fontsize=8)


def name_part(axes, title):
    """Bold name of a part above the column titles of its first panel."""
    name = axes.annotate(title, (0, 1), xycoords="axes fraction", xytext=(0, 20), textcoords="offset points", fontsize=10, weight="bold")
    name.set_in_layout(False)


def pair(fig, spec, folder, iterations, sets, names, metrics, caption):
    """Two data sets side by side, with claims about each by the first metric."""
    for part, data in enumerate(sets):
        learned = Learned(folder, data, iterations)
        learned_panels(fig, spec[part], learned, names, metrics, f"({'ab'[part]}) {TITLE[data]}")
        learned_claims(caption, learned, metrics[0])


def against_iterations(axes, runs, metric, scheme, scheme_name):
    """Quality of joint nets (full lines) and of the reduced net (dashed) against the number of iterations. runs: list of Learned."""
    its = [r.iterations for r in runs]
    for net, line in (("uniform", "-"), ("reduced", ":")):
        for noise in NOISES:
            colour, marker = style(noise)
            value, error = np.array([r.find(metric, net, noise, scheme)[:2] for r in runs], float).T
            axes.errorbar(its, value, np.nan_to_num(error), color=colour, marker=marker, ms=4, lw=1, ls=line, capsize=2,
                          mfc="white" if net == "reduced" else None, label=f"{name_noise(noise, runs[0].tau())}, {NETS[net]}")
    draw_floor(axes, runs[0].net["uniform"].get_floor(metric).value)
    axes.set(xscale="log", xlabel="training iterations", ylabel=LONG.get(metric, metric), xticks=its, xticklabels=[f"{i:,}" for i in its])
    axes.set_title(scheme_name, fontsize=8)
    axes.minorticks_off()
    if metric != "share3":
        axes.set_yscale("log")
        plain_log(axes.yaxis)


def learned_claims(caption, learned, metric, steps=(10, 100, 500)):
    """The paper's claims for joint nets on uniform times, then what is left of them under each control."""
    name, symbol = TITLE[learned.data], SYMBOL[metric].replace("$_", "").replace("$", "")

    def compare(claim, net, one, other, scheme):
        caption.lower(f"{name}, {claim}", learned.find(metric, net, one, scheme), learned.find(metric, net, other, scheme), symbol)

    for n in steps:
        compare(f"learned: active beats passive, dt {1 / n:g}", "uniform", "active", "passive", {**EM, "steps": n})
    middle = {**EM, "steps": 100}
    compare("learned: CLD beats passive, dt 0.01", "uniform", "cld", "passive", middle)
    compare("learned: active beats CLD, dt 0.01", "uniform", "active", "cld", middle)
    compare("control: active beats passive, dt 0.01, with one reduced net for both (by its clock alone)", "reduced", "active", "passive", middle)
    sigma_claims(compare)


def sigma_claims(compare):
    """Does active noise beat passive noise on one grid of sigma? Three kinds of nets."""
    for net, text in (("uniform", "the same nets"), ("sigma", "nets trained with one law of sigma"), ("reduced", "one reduced net")):
        compare(f"control: active beats passive on one sigma grid, 20 steps, {text}", net, "active", "passive", GRID)


def learned_heading(number, what, *models):
    learned, seeds = models[0], " or ".join(sorted({str(m.seeds) for m in models}))
    return (f"Figure {number}. {what}: joint nets of (x, auxiliary, t) as in the paper (rate 4, hybrid score matching, {learned.iterations:,} "
            f"iterations of 512 rows, mean of {seeds} trainings), Euler-Maruyama on uniform times without denoising; controls: 20 steps of "
            "the ancestral scheme of order 2 on one grid of sigma for all noises, nets trained with one law of sigma, one reduced net for all noises.")


def new_figure(width, height):
    return plt.figure(figsize=(width, height), layout="constrained")
