#!/usr/bin/env python3
"""When noise hides the class of the data: speciation times and the U-turn experiment, theory and clones.

usage: fig_speciation.py results/fig_speciation figure.png
"""
import os
import sys

import h5py
import numpy as np

from adpost import Caption, Estimate, plain_log, plt, style, texts

PHI_1 = 0.775200245397  # agreement at R = 1
ARMS = {"keep": ("keep", "#000000", "o"), "resample": (r"drawn anew given $x$", "#0072B2", "s"),
        "scramble": ("over coordinates", "#D55E00", "^"), "batch": ("of another sample", "#009E73", "v")}


class Run:
    """One file of `adiff speciation`: noises by name, their times, and the U-turn where there is one."""

    def __init__(self, path):
        try:
            with h5py.File(path, "r") as f:
                self.speciation = {k: (texts(d) if d.dtype.kind == "S" else d[()]) for k, d in f["speciation"].items()}
                self.turn = {k: (texts(d) if d.dtype.kind == "S" else d[()]) for k, d in f["uturn"].items()} if "uturn" in f else None
                self.samples = int(f["uturn"].attrs["samples"]) if "uturn" in f else 0
        except (OSError, KeyError) as problem:
            sys.exit(f"postproc: {path}: expected a file of 'adiff speciation' ({problem})")
        s, n = self.speciation, len(self.speciation["process"])
        column = {k: s.get(k, np.full(n, np.nan)) for k in ("tau", "temperature")}
        self.name = [kind + (f" tau {column['tau'][p]:g}" if kind == "active" else f" T {column['temperature'][p]:.3g}" if kind == "passive" else "")
                     for p, kind in enumerate(s["type"])]

    def noise(self, name):
        return self.name.index(name)

    def joint(self, name):
        return float(self.speciation["joint"][self.noise(name)])

    def x_alone(self, name):
        return float(self.speciation["x_alone"][self.noise(name)])

    def get(self, quantity, name, arm="keep"):
        """A column of /uturn against the times of one noise."""
        return self.turn[quantity][self.noise(name), :, self.turn["arm"].index(arm)]

    def at(self, quantity, name, when, arm="keep"):
        return Estimate(self.get(quantity, name, arm)[when], self.get(quantity + "_stderr", name, arm)[when], self.samples)


def look(name):
    """Colour, marker and label of a noise."""
    kind, *rest = name.split()
    colour, marker = style(kind, float(rest[1]) if kind == "active" else None)
    return colour, marker, rf"active $\tau$ = {rest[-1]}" if kind == "active" else {"passive": "passive", "cld": "CLD"}[kind]


def measured_points(runs, arm="keep", quantity="agreement"):
    """(noise, time, sigma2, value, error, theory) of all points of an arm."""
    for run in runs:
        for p, name in enumerate(run.name):
            a = run.turn["arm"].index(arm) if arm in run.turn["arm"] else None
            if a is None or np.isnan(run.turn[quantity][p, 0, a]):
                continue
            t = run.turn
            yield (name, t["time"][p], t["sigma2"][p], t[quantity][p, :, a], t[quantity + "_stderr"][p, :, a],
                   t["theory_" + quantity][p, :, a])


def misfit(points, run):
    """chi-square against theory, and its number of points; the error is what theory lets expect where no clone strayed."""
    total, n = 0.0, 0
    for _, _, _, value, error, theory in points:
        least = np.sqrt(np.maximum(theory * (1 - theory), 1e-9) / run.samples)
        good = run.samples * (1 - theory) > 3
        total += np.sum((((value - theory) / np.maximum(error, 0.7 * least))[good]) ** 2)
        n += int(good.sum())
    return total, n


def crossing(run, p):
    """The time at which agreement falls through phi(1), by the slope of theory at its three times; with its error."""
    t, theory = run.turn["time"][p], run.turn["theory_agreement"][p, :, 0]
    value, error = run.turn["agreement"][p, :, 0], run.turn["agreement_stderr"][p, :, 0]
    slope = np.polyfit(t - t[1], theory, 1)[0]
    shift, weight = (value - theory) / -slope, (slope / error) ** 2  # the curve lies so much later
    here = t[1] + (PHI_1 - theory[1]) / slope
    return here + np.sum(weight * shift) / weight.sum(), 1 / np.sqrt(weight.sum())


def draw_agreement(axes, theory, runs):
    for name in ("passive T 1", "active tau 0.5", "active tau 2"):
        colour, marker, label = look(name)
        axes.plot(theory.turn["time"][theory.noise(name)], theory.get("theory_agreement", name), color=colour, lw=1)
        axes.axvline(theory.joint(name), color=colour, lw=0.8, zorder=0)
        if name != "passive T 1":
            axes.axvline(theory.x_alone(name), color=colour, lw=0.8, ls=":", zorder=0)
    for name, t, _, value, error, _ in measured_points(runs):
        colour, marker, label = look(name)
        if name != "cld":
            axes.errorbar(t, value, error, color=colour, marker=marker, ms=4, lw=0, elinewidth=1, capsize=2, label=label)
    axes.axhline(PHI_1, color="0.6", lw=0.8, zorder=0)
    axes.text(1.32, PHI_1 + 0.006, r"$\varphi(1)$ = 0.7752", color="0.4", fontsize=7)
    axes.set(xlabel="time t of the turn", ylabel="clones agree", title=r"clones of one $X_t$; curves: $\varphi(R(t))$")
    axes.set_xlim(1.25, 5.2)
    axes.annotate("vertical: joint time,\ndotted: x alone", (0.985, 0.66), xycoords="axes fraction", ha="right", fontsize=7, color="0.4")
    axes.legend(fontsize=7, loc="upper right")


def draw_arms(axes, theory, run, name):
    for arm, (label, colour, marker) in ARMS.items():
        t = theory.turn["time"][theory.noise(name)]
        axes.plot(t, theory.get("theory_recovery", name, arm), color=colour, lw=1, ls="--" if arm == "batch" else "-")
        axes.errorbar(run.turn["time"][run.noise(name)], run.get("recovery", name, arm), run.get("recovery_stderr", name, arm), color=colour,
                      marker=marker, ms=4, lw=0, elinewidth=1, capsize=2, label=label)
    axes.axvline(theory.joint(name), color="0.5", lw=0.8, zorder=0)
    axes.axvline(theory.x_alone(name), color="0.5", lw=0.8, ls=":", zorder=0)
    axes.set(xlabel="time t of the turn", ylabel="class of $x_0$ recovered", title=rf"$\eta$ before the turn, {look(name)[2]}")
    axes.legend(fontsize=7, loc="upper right")


def draw_collapse(axes, theory, runs):
    name = "passive T 1"
    axes.plot(theory.turn["sigma2"][theory.noise(name)], theory.get("theory_agreement", name), color="0.6", lw=1.2, zorder=0,
              label=r"$\varphi(|m|^2/(\sigma^2 + s^2))$")
    for name, _, sigma2, value, error, _ in measured_points(runs):
        colour, marker, label = look(name)
        axes.errorbar(sigma2, value, error, color=colour, marker=marker, ms=4, lw=0, elinewidth=1, capsize=2, label=label)
    axes.axvline(theory.speciation["lambda"][0], color="0.6", lw=0.8, zorder=0)
    axes.set(xscale="log", xlabel=r"$\sigma^2$ of the joint state", ylabel="clones agree", title=r"one clock: against $\sigma^2$ all noises agree")
    axes.set_xlim(8, 4000)
    axes.annotate(r"$\Lambda$", (theory.speciation["lambda"][0], 0.47), fontsize=8, ha="left", color="0.4")
    axes.legend(fontsize=7, loc="upper right")


def draw_lambda(axes, curves, clones):
    largest = curves.speciation["lambda"]
    for name in ("passive T 1", "active tau 0.5", "active tau 2"):
        colour, marker, label = look(name)
        p = curves.noise(name)
        axes.plot(largest, curves.speciation["joint"][p], color=colour, lw=1)
        axes.plot(largest + 2, curves.speciation["joint"][p], color=colour, lw=0.8, ls=":")
        far = curves.speciation["joint_asymptotic"][p]
        axes.plot(largest[far > 0], far[far > 0], color=colour, lw=0.8, ls="--")
        points = [(d + 1, *crossing(run, run.noise(name))) for d, run in clones.items()]
        axes.errorbar(*zip(*points), color=colour, marker=marker, ms=4, lw=0, elinewidth=1, capsize=2, label=label)
    axes.set(xscale="log", xlabel=r"largest eigenvalue $\Lambda = d + 1$", ylabel="time", title="clones agree in 0.775 of pairs, and speciation times")
    axes.set_xlim(1.7, 1500)
    axes.set_ylim(0, 5)
    axes.annotate("joint, exact: line; large $\\Lambda$: dashed;\nexact condition $\\Lambda - 2s^2$: dotted", (0.985, 0.06), xycoords="axes fraction", ha="right",
                  fontsize=7, color="0.4")
    axes.legend(fontsize=7, loc="upper left")


def draw_tau(axes, run):
    s = run.speciation
    for key, label, colour, line in (("active_joint", "active, joint", "#D55E00", "-"), ("equivalent_passive", "passive, equal final variance", "0.45", "-"),
                                     ("active_x", "active, $x$ alone", "#D55E00", (0, (1, 2.5))),
                                     ("passive", r"passive, equal temperature ($T = T_a$)", "#000000", "-")):
        axes.plot(s["tau"], s[key], color=colour, ls=line, lw=1.2, label=label)
    axes.set(xscale="log", xlabel=r"persistence time $\tau$", ylabel="speciation time",
             title=rf"$\Lambda$ = {s['lambda'][0]:g}; at any of the joint times $\sigma$ = {np.sqrt(s['lambda'][0]):.2f}")
    plain_log(axes.xaxis)
    axes.legend(fontsize=7, loc="upper left")


GROUPS = ("equal temperature,\none time", "equal final variance,\none time", "equal $\\sigma$,\nown times")


def controls(equal, plain, active):
    """Agreement of passive and active noise (tau 0.5, 2) under the three controls."""
    joint = {"passive T 1": plain, "active tau 0.5": active, "active tau 2": active}
    at_joint = {n: r.at("agreement", n, int(np.argmin(np.abs(r.turn["time"][r.noise(n)] - r.joint(n))))) for n, r in joint.items()}
    here = {n: equal.at("agreement", n, 0) for n in equal.name}
    twins = {"active tau 0.5": "passive T 0.667", "active tau 2": "passive T 0.333"}
    return {n: [(here["passive T 1"], here[n]), (here[twins[n]], here[n]), (at_joint["passive T 1"], at_joint[n])] for n in twins}


def draw_controls(axes, table):
    for k, (name, pairs) in enumerate(table.items()):
        colour, marker, label = look(name)
        for group, (passive, active) in enumerate(pairs):
            x = group + 0.3 * k - 0.15
            axes.errorbar(x - 0.05, passive.value, passive.error, color="#000000", marker="s", ms=5, capsize=2, lw=0, elinewidth=1,
                          label="passive" if k == group == 0 else None)
            axes.errorbar(x + 0.05, active.value, active.error, color=colour, marker=marker, ms=5, capsize=2, lw=0, elinewidth=1,
                          label=label if group == 0 else None)
    axes.axhline(PHI_1, color="0.6", lw=0.8, zorder=0)
    axes.set_xticks(range(3), GROUPS, fontsize=8)
    axes.set(ylabel="clones agree", title=r"the gain of active noise under three controls")
    axes.legend(fontsize=7, loc="center right")


def say_all(text, active, table, clones, runs):
    chi2, n = misfit(measured_points(runs), active)
    spread = np.sqrt(2 * n)
    text.say("agrees" if abs(chi2 - n) < 3 * spread else "does not",
             f"agreement of clones is phi(R), R = |m|^2/(sigma2 + s^2), for four noises (top left, top right): chi-square {chi2:.0f} of {n} points")
    for name, run in (("active tau 0.5", active), ("active tau 2", active)):
        when = int(np.argmin(np.abs(run.turn["time"][run.noise(name)] - run.joint(name))))
        keep, x = run.at("recovery", name, when), run.at("recovery", name, when, "resample")
        text.higher(f"at the joint time {run.joint(name):.3f} eta tells of the class what x alone ({run.x_alone(name):.3f}) has lost, {name}",
                    keep, x, "class recovered with eta kept")
    for arm in ("resample", "scramble", "batch"):
        chi2, n = misfit(measured_points([active], arm, "recovery"), active)
        text.say("agrees" if chi2 - n < 3 * np.sqrt(2 * n) else "does not",
                 f"{ARMS[arm][0].replace('$', '')}: recovery as predicted, chi-square {chi2:.0f} of {n} points")
    early = run.at("recovery", "active tau 2", 1, "resample"), run.at("recovery", "active tau 2", 1, "scramble")
    text.lower("scrambling costs more than taking eta away, for the score is then asked where X_t never goes (tau 2, "
               f"t = {run.turn['time'][run.noise('active tau 2')][1]:.3f})", early[1], early[0], "recovery scrambled")
    for name in table:
        p, s = active.noise(name), active.speciation
        gain, left = s["x_alone"][p] - s["passive"][p], s["x_alone"][p] - s["equivalent_passive"][p]
        text.say("agrees" if left < 0.05 * gain else "does not",
                 f"x alone gains by its lower variance only ({name}): speciation time {s['x_alone'][p]:.5f}, passive {s['passive'][p]:.5f} at "
                 f"equal temperature, {s['equivalent_passive'][p]:.5f} at equal final variance")
    for name, pairs in table.items():
        passive, act = pairs[0]
        text.higher(f"paper: active noise ({name}) keeps the class longer than passive noise of T = Ta", act, passive, "agreement at one time")
        text.higher(f"it does so at equal final variance as well, by what eta knows ({name})", pairs[1][1], pairs[1][0], "agreement at one time")
        text.same(f"at equal sigma no difference is left ({name})", pairs[2][1], pairs[2][0], "agreement")
    total, n = 0.0, 0
    for d, run in clones.items():
        for p in range(len(run.name)):
            time, error = crossing(run, p)
            total, n = total + ((time - float(run.speciation["joint"][p])) / error) ** 2, n + 1
    text.say("agrees" if total - n < 3 * np.sqrt(2 * n) else "does not",
             f"clones agree in 0.775 of pairs at sigma2 = Lambda - 2 s^2 in {min(clones)} to {max(clones)} dimensions: chi-square {total:.0f} of {n} times")


def main(folder, figure):
    read = {n: Run(os.path.join(folder, n + ".h5")) for n in ("lambda", "tau", "theory", "plain", "active", "equal")}
    dims = sorted(int(f[1:-3]) for f in os.listdir(folder) if f[0] == "d" and f.endswith(".h5"))
    clones = {d: Run(os.path.join(folder, f"d{d}.h5")) for d in dims}
    theory, plain, active = read["theory"], read["plain"], read["active"]
    table = controls(read["equal"], plain, active)
    fig, axes = plt.subplots(2, 3, figsize=(13.5, 7.6), layout="constrained")
    draw_agreement(axes[0, 0], theory, [plain, active])
    draw_arms(axes[0, 1], theory, active, "active tau 2")
    draw_collapse(axes[0, 2], theory, [plain, active])
    draw_lambda(axes[1, 0], read["lambda"], clones)
    draw_tau(axes[1, 1], read["tau"])
    draw_controls(axes[1, 2], table)
    fig.suptitle("When noise hides the class: speciation times and U-turns of clones, two clusters in 256 dimensions, exact scores")
    text = Caption(f"Two clusters N(+-m, 1), |m|^2 = d = 256 (bottom left: 2 to 1024), m of random signs; noised to t, returned twice by ancestral steps "
                   f"with independent noise; {active.samples} samples a point ({clones[max(clones)].samples} in {max(clones)} dimensions), standard errors.")
    say_all(text, active, table, clones, [plain, active])
    text.finish(fig, figure)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
