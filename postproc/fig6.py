#!/usr/bin/env python3
"""Figure 6: Fisher memory against time, its parts, decay rates, and the information that it stands for.

usage: fig6.py results/fig6 figure.png
"""
import os
import sys

import h5py
import numpy as np

from adpost import TAU_COLOURS, STYLE, Caption, plain_log, plt, texts

PARTS = {"f_xx": ("#0072B2", "-", r"$F_{xx}$: $x_0$, $\eta_0$ known"), "f_etaeta": ("#D55E00", "-", r"$F_{\eta\eta}$: $\eta_0$"),
         "joint": ("#009E73", "-", r"$J$: $x_0$, $\eta_0$ unknown"), "x_alone": ("#CC79A7", "-", "$x_0$ in x alone")}


class Memory:
    """A file of `adiff fisher`: every dataset under its name, laws by quantity."""

    def __init__(self, path):
        try:
            with h5py.File(path, "r") as f:
                g = f["fisher"]
                self.type, self.quantity = texts(g["type"]), texts(g["quantity"])
                self.data = {k: d[()] for k, d in g.items() if isinstance(d, h5py.Dataset) and d.dtype.kind == "f"}
                self.information = {k: d[()] for k, d in g["information"].items()} if "information" in g else {}
                self.check = {k: d[()] for k, d in g["check"].items()} if "check" in g else {}
                self.window = g["fitted_rate"].attrs["window"]
        except (OSError, KeyError) as problem:
            sys.exit(f"postproc: {path}: expected a file of 'adiff fisher' ({problem})")
        self.t = self.data["t"]

    def __getitem__(self, name):
        return self.data[name]

    def law(self, name, quantity):
        """One number a process: fitted_rate, late_rate, late_coefficient, early_power ... of a quantity."""
        return self.data[name][:, self.quantity.index(quantity)]

    def find(self, kind, tau=None):
        return next(i for i, k in enumerate(self.type) if k == kind and (tau is None or abs(self["tau"][i] - tau) < 1e-9))

    def active(self):
        return [i for i, k in enumerate(self.type) if k == "active"]

    def look(self, i):
        """Colour and name of process i."""
        if self.type[i] != "active":
            return STYLE[self.type[i]][0], self.type[i]
        tau = self["tau"][i]
        return TAU_COLOURS[round(float(tau), 4)], rf"$\tau$ = {tau:g}"


# ---- panels ----

def draw_curves(axes, m):
    for i in m.active() + [m.find("passive")]:
        colour, name = m.look(i)
        axes.plot(m.t, m["fmc"][i], color=colour, label=name, lw=1.6, ls="-" if m.type[i] == "active" else "--")
    axes.set(yscale="log", ylim=(2e-5, 1e5), xlim=(0, 5), xlabel="time t", ylabel="FMC/d")
    axes.set_title("a   the paper's curve: trace of $F_t$", fontsize=9, loc="left")
    axes.legend(fontsize=7, ncol=2, loc="upper right")


def draw_parts(axes, m, i):
    late = m.t > 0.5
    for q, (colour, line, name) in PARTS.items():
        axes.plot(m.t, m[q][i], color=colour, ls=line, lw=1.6, label=name)
        power, early = m.law("early_power", q)[i], m.law("early_coefficient", q)[i]
        rate, coefficient = m.law("late_rate", q)[i], m.law("late_coefficient", q)[i]
        axes.plot(m.t[m.t < 0.5], early * m.t[m.t < 0.5] ** power, color=colour, ls=":", lw=1)
        axes.plot(m.t[late], coefficient * np.exp(-rate * m.t[late]), color=colour, ls="--", lw=1)
    axes.set(xscale="log", yscale="log", xlabel="time t", ylim=(5e-5, 1e8), ylabel="per dimension")
    plain_log(axes.xaxis)
    axes.set_title(rf"b   its parts at $\tau$ = {m['tau'][i]:g}; dotted early, dashed late law", fontsize=9, loc="left")
    axes.legend(fontsize=7, loc="upper right")


def draw_rates(axes, rates):
    tau = rates["tau"]
    for q, (colour, _, _) in PARTS.items():
        axes.plot(tau, rates.law("late_rate", q), color=colour, lw=1)
    marks = {"fmc": ("k", "o", "FMC"), "f_etaeta": (PARTS["f_etaeta"][0], "x", r"$F_{\eta\eta}$"),
             "f_xx": (PARTS["f_xx"][0], "s", r"$F_{xx}$"), "joint": (PARTS["joint"][0], "+", "$J$")}
    for q, (colour, marker, name) in marks.items():
        fill = {} if marker in "x+" else {"markerfacecolor": "none"}
        axes.plot(tau, rates.law("fitted_rate", q), ls="", marker=marker, color=colour, ms={"o": 6.5, "s": 4.5}.get(marker, 4.5), label=name,
                  mew=0.9, **fill)
    axes.axvline(1, color="0.8", lw=0.8, zorder=0)
    axes.annotate(r"$k\tau = 1$", (1, 0.02), xycoords=("data", "axes fraction"), xytext=(-3, 0), textcoords="offset points", fontsize=7,
                  color="0.4", ha="right")
    axes.set(xscale="log", xlabel=r"persistence time $\tau$", ylabel="decay rate", ylim=(0, 2.35))
    plain_log(axes.xaxis)
    axes.set_title(f"c   rates fitted over t = {rates.window[0]:g} to {rates.window[1]:g}; lines: eigenvalues", fontsize=9, loc="left")
    axes.legend(fontsize=7, loc="lower left", title="fitted", title_fontsize=7)


def draw_known(axes, m):
    for i in m.active() + [m.find("passive")]:
        colour, name = m.look(i)
        scale = m["joint"][m.find("passive")]
        axes.plot(m.t, m["joint"][i] / scale, color=colour, lw=1.6, label=name, ls="-" if m.type[i] == "active" else "--")
        if m.type[i] == "active":
            axes.plot(m.t, m["x_alone"][i] / scale, color=colour, lw=1, ls=":")
    axes.set(xscale="log", yscale="log", xlabel="time t", ylabel="memory of $x_0$ over that of passive noise")
    plain_log(axes.xaxis)
    axes.set_title(r"d   $J = 1/\sigma^2$ (solid), x alone (dotted), over passive", fontsize=9, loc="left")
    axes.legend(fontsize=7, loc="upper right")


def draw_information(axes, m, i):
    info = m.information
    shapes = {"joint": ("#009E73", r"$I(x_0; x, \eta)$"), "x_alone": ("#CC79A7", r"$I(x_0; x)$"), "eta_alone": ("#D55E00", r"$I(x_0; \eta)$")}
    for q, (colour, name) in shapes.items():
        axes.errorbar(m.t[::2], info[q][i][::2], info[q + "_stderr"][i][::2], color=colour, ls="", marker="o", ms=2.5, elinewidth=0.8)
        axes.plot(m.t, info[q + "_exact"][i], color=colour, lw=1.2, label=name)
    axes.plot(m.t, info["joint_exact"][m.find("passive")], "k--", lw=1.2, label="passive $I(x_0; x)$")
    cld = m.find("cld")
    axes.plot(m.t, info["eta_alone_exact"][cld], color="0.5", lw=1.2, ls="-.", label="CLD $I(x_0; v)$")
    axes.set(xscale="log", xlabel="time t", ylabel="nats")
    plain_log(axes.xaxis)
    axes.set_title(rf"e   information on a row of two clusters, $\tau$ = {m['tau'][i]:g}", fontsize=9, loc="left")
    axes.legend(fontsize=7, loc="upper right")


def draw_collapse(axes, m):
    for i in range(len(m.type)):
        colour, name = m.look(i)
        s2 = 1 / m["joint"][i]
        keep = (s2 > 1e-4) & (s2 < 1e3)
        axes.errorbar(s2[keep], m.information["joint"][i][keep], m.information["joint_stderr"][i][keep], color=colour, ls="", marker="o", ms=2.5,
                      elinewidth=0.8, label=name)
        if m.type[i] == "active" and m["tau"][i] in (0.5, 2):
            axes.plot(s2[keep], m.information["x_alone_exact"][i][keep], color=colour, lw=1, ls=":")
    s2 = np.concatenate(1 / m["joint"])
    exact = np.concatenate(m.information["joint_exact"])
    order = np.argsort(s2)
    keep = order[(s2[order] > 1e-4) & (s2[order] < 1e3)]
    axes.plot(s2[keep], exact[keep], color="0.6", lw=1, zorder=0)
    axes.set(xscale="log", xlabel=r"$\sigma^2 = 1/J$", ylabel="nats", xlim=(1e-4, 1e3))
    axes.set_title(r"f   $I(x_0; X_t)$ of all noises against $\sigma^2$; dotted: x alone", fontsize=9, loc="left")
    axes.legend(fontsize=7, loc="upper right", ncol=2)


# ---- words ----

def differences(value, error, expected):
    """Differences in standard errors, of the points that scatter."""
    good = np.isfinite(expected) & (error > 0) & (expected > 1e-6)
    return ((value - expected)[good] / error[good]).ravel()


def say_curves(c, m):
    order = m.active()
    rows = np.array([m["fmc"][m.find("passive")]] + [m["fmc"][i] for i in order])
    steps = rows[1:] / rows[:-1]
    c.say("agrees" if steps.min() > 1 else "does not",
          f"the curve rises with tau at every t, and above passive noise (smallest ratio of neighbours {steps.min():.3f})")
    slow = [i for i in order if m["tau"][i] > 1]
    fitted, pure = m.law("fitted_rate", "fmc"), m.law("fitted_rate", "f_xx")
    for i in slow:
        c.say("agrees" if fitted[i] < 1.5 else "does not",
              f"for k tau > 1 the curve decays more slowly: rate {fitted[i]:.3f} at tau = {m['tau'][i]:g} over t = {m.window[0]:g} to "
              f"{m.window[1]:g}, {fitted[m.find('passive')]:.3f} for passive noise")
        c.say("agrees" if pure[i] < 1.5 else "does not",
              f"so that the data are remembered longer: F_xx decays with {pure[i]:.3f} and J with {m.law('fitted_rate', 'joint')[i]:.3f}, as "
              f"e^(-2kt); what lasts is the memory of eta0 (F_etaeta {m.law('fitted_rate', 'f_etaeta')[i]:.3f}, 2/tau {2 / m['tau'][i]:.3f})")


def say_rates(c, rates):
    away = [np.nanmax(np.abs(rates.law("fitted_rate", q) / rates.law("late_rate", q) - 1)) for q in ("f_xx", "joint", "x_alone")]
    c.say("agrees" if max(away) < 0.01 else "does not",
          f"memory of the data decays as e^(-2kt) for every tau: at {len(rates['tau'])} values from {rates['tau'].min():g} to "
          f"{rates['tau'].max():g} the fitted rates of F_xx, J and x alone are 2k within {100 * max(away):.1g} %")


def say_data(c, m, i):
    passive, tau = m.find("passive"), m["tau"][i]
    gain = {q: m.law("late_coefficient", q)[i] / m.law("late_coefficient", q)[passive] for q in ("joint", "x_alone")}
    c.say("note", f"late, at Ta = T, the state (x, eta) knows (1 + k tau)^2 = {gain['joint']:.4g} times as much of x0 as passive noise at tau = "
          f"{tau:g}, x alone 1 + k tau = {gain['x_alone']:.4g} times, which is what the smaller variance of x makes; at equal variance of x the "
          f"gain of the bath is {gain['joint'] / gain['x_alone']:.4g}")


def say_information(c, m, i):
    info, s = m.information, np.argmin(np.abs(m.t - 1))
    value = {q: f"{info[q][i][s]:.3f}({1000 * info[q + '_stderr'][i][s]:.0f})" for q in ("joint", "x_alone")}
    c.say("agrees" if np.all(info["eta_alone"][i] == 0) else "does not",
          f"eta alone stores exactly nothing of x0; the gain is joint: at tau = {m['tau'][i]:g}, t = {m.t[s]:.2g} (x, eta) holds "
          f"{value['joint']} nats, x alone {value['x_alone']}; of CLD the velocity alone holds up to "
          f"{info['eta_alone_exact'][m.find('cld')].max():.3f}")
    away = differences(info["joint"], info["joint_stderr"], info["joint_exact"])
    c.say("agrees" if np.abs(away).max() < 5 else "does not",
          f"the information in (x, eta) is one function of sigma2 for all noises: the largest of {len(away)} differences to its quadrature is "
          f"{np.abs(away).max():.1f} standard errors (the noise differs from point to point, the rows of data do not)")
    away = differences(m.check["kl"], m.check["kl_stderr"], m.check["kl_expected"])
    chi2, n = np.sum(away ** 2), len(away)
    c.say("agrees" if abs(chi2 - n) < 4 * np.sqrt(2 * n) else "does not",
          f"D_KL = dX(0)' F dX(0)/2 against clouds of states: chi-square {chi2:.0f} for {n} divergences")


def main(folder, figure):
    m, rates = Memory(os.path.join(folder, "fisher.h5")), Memory(os.path.join(folder, "rates.h5"))
    chosen = m.find("active", 2)
    fig, axes = plt.subplots(2, 3, figsize=(13.5, 7.6), layout="constrained")
    draw_curves(axes[0, 0], m)
    draw_parts(axes[0, 1], m, chosen)
    draw_rates(axes[0, 2], rates)
    draw_known(axes[1, 0], m)
    draw_information(axes[1, 1], m, chosen)
    draw_collapse(axes[1, 2], m)
    caption = Caption("Figure 6: what a noised state remembers of its start, k = 1, Ta = T = 1, Tp = 0, a dimension. The trace of F adds the "
                      "memories of x0 and of eta0, so that it depends on the unit of eta; the parts do not.")
    say_curves(caption, m)
    say_rates(caption, rates)
    say_data(caption, m, chosen)
    say_information(caption, m, chosen)
    caption.finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
