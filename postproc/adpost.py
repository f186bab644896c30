"""Reading adiff's result files, and what figures share: colours, panels, captions with verdicts. Computes no physics."""
import collections
import csv
import os
import sys
import textwrap

import h5py
import matplotlib
import matplotlib.ticker
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (after the backend is chosen)

plt.rcParams.update({"figure.dpi": 130, "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
                     "legend.frameon": False, "image.cmap": "viridis"})

# Okabe and Ito's colours, which the colour-blind can tell apart; shapes differ too
STYLE = {"passive": ("#000000", "s"), "cld": ("#009E73", "^"), "active": ("#D55E00", "o")}
TAU_COLOURS = {0.01: "#F0E442", 0.1: "#E69F00", 0.25: "#D55E00", 0.5: "#CC79A7", 1: "#56B4E9", 2: "#0072B2"}
SYMBOL = {"sw2": "SW$_2$", "kl": "KL", "share3": "share", "tv": "TV", "js": "JS", "w1": "W$_1$", "energy": "E"}
LONG = {"sw2": "sliced W$_2$", "kl": "KL (nats)", "share3": "share within 3 sd",
        "tv": "TV of peak weights", "js": "JS divergence (nats)", "w1": "Wasserstein-1", "energy": "energy distance"}
# two-sided 95 % points of Student's t
STUDENT = {1: 12.71, 2: 4.30, 3: 3.18, 4: 2.78, 5: 2.57, 6: 2.45, 7: 2.36, 8: 2.31}


def texts(dataset):
    """A dataset of fixed-length strings as a list of str."""
    return [t.decode().rstrip("\0") if isinstance(t, bytes) else str(t) for t in dataset[()]]


# ---- numbers ----

Estimate = collections.namedtuple("Estimate", "value error n", defaults=(np.nan, 0))


def estimate(value, error=np.nan):
    """0.0264(5): the error in units of the last digit, two digits of it when it begins with 1; 0.0264 without an error."""
    if not np.isfinite(value):
        return "none"
    if not (np.isfinite(error) and error > 0):
        return f"{value:.4g}"
    digits = int(np.floor(np.log10(error)))
    digits -= round(error / 10.0**digits, 1) < 2
    if digits >= 0:
        return f"{value:.0f}({error:.0f})"
    return f"{value:.{-digits}f}({round(error / 10.0**digits):d})"


class Metrics:
    """The table of `adiff metrics`: get(group, metric) with its standard error, floors, properties of the groups."""

    def __init__(self, path):
        try:
            with h5py.File(path, "r") as f:
                m = f["metrics"]
                self.label, self.name = texts(m["label"]), texts(m["name"])
                self.value, self.error = m["value"][()], m["stderr"][()]
                self.floor, self.floor_error = m["floor"][()], m["floor_stderr"][()]
                self.level, self.level_error = m["reference"][()], m["reference_stderr"][()]
                self.count, self.file, self.of = m["files"][()], texts(m["file"]), m["group"][()]
                self.samples_a_file = int(m["samples"][0])
                n = len(self.label)
                self.column = {k: (texts(d) if d.dtype.kind == "S" else d[()])
                               for k, d in m.items() if isinstance(d, h5py.Dataset) and d.shape[:1] == (n,) and d.ndim == 1}
                self.histogram = m["histogram"][()] if "histogram" in m else None
                self.reference = m["reference_histogram"][()] if "reference_histogram" in m else None
                self.edges = m["edges"][()] if "edges" in m else None
                self.mixture = {k: d[()] for k, d in f["mixture"].items()} if "mixture" in f else None
                self.revision = f["run"].attrs.get("git_commit", b"unknown")
        except (OSError, KeyError) as problem:
            sys.exit(f"postproc: {path}: expected a file of 'adiff metrics' ({problem})")

    def groups(self, **wanted):
        """Indices of the groups whose columns have these values (or pass these tests)."""
        return [g for g in range(len(self.label)) if all(self._match(self.column.get(k), g, v) for k, v in wanted.items())]

    @staticmethod
    def _match(column, group, wanted):
        if column is None:
            return False
        return wanted(column[group]) if callable(wanted) else column[group] == wanted

    def get(self, group, metric):
        """(value, standard error) of one entry."""
        j = self.name.index(metric)
        return self.value[group, j], self.error[group, j]

    def at(self, group, metric):
        return Estimate(*self.get(group, metric), int(self.count[group]))

    def find(self, metric, **wanted):
        """The Estimate of the only group with these properties; not a number when it is missing (a run that diverged)."""
        groups = self.groups(**wanted)
        if len(groups) > 1:
            sys.exit(f"postproc: {len(groups)} groups with {wanted}: {[self.label[g] for g in groups]}")
        return self.at(groups[0], metric) if groups else Estimate(np.nan)

    def get_floor(self, metric):
        j = self.name.index(metric)
        return Estimate(self.floor[j], self.floor_error[j])

    def samples(self, **wanted):
        """x of the first sample file of a group, [N][d]; None when there is none."""
        groups = self.groups(**wanted)
        if not groups:
            return None
        return read_samples(self.file[int(np.flatnonzero(self.of == groups[0])[0])])


def read_samples(path):
    with h5py.File(path, "r") as f:
        state = f["samples/state"]
        return state[:, :int(f["samples"].attrs.get("d", state.shape[1]))]


# ---- beside an independent prototype ----

def read_reference(name):
    """Rows of tests/reference/<name>: (data, noise, scheme, steps, metric) -> (value, scatter)."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "reference", name)
    with open(path, encoding="utf8") as f:
        rows = list(csv.reader(line for line in f if not line.startswith("#")))
    return {(data, noise, scheme, int(steps), metric): (float(value), float(scatter))
            for data, _, noise, scheme, steps, metric, value, scatter in rows}


def compare(table, reference, rounding):
    """Print ours beside the prototype's; the last column flags what differs by more than errors and rounding explain."""
    print(f"{'data':14s}{'noise':24s}{'scheme, last':13s}{'steps':>6s} {'metric':7s}{'adiff':>18s}{'prototype':>11s}")
    scale = {}  # root mean square of the standard errors of one kind of number
    for key, (_, error, n) in table.items():
        scale.setdefault((key[0], key[4]), []).append(error * np.sqrt(n))
    off = found = 0
    for key, (expected, scatter) in reference.items():
        line = f"{key[0]:14s}{key[1]:24s}{key[2]:13s}{key[3]:6d} {key[4]:7s}"
        if key not in table:
            print(f"{line}{'missing':>18s}{expected:11.4g}")
            continue
        value, error, _ = table[key]
        if np.isnan(scatter):  # one run of the prototype, which scatters as ours do
            scatter = np.sqrt(np.mean(np.square(scale[key[0], key[4]])))
        allowed = 4 * np.hypot(error, scatter) + rounding(key[4], expected) + 0.02 * expected
        flag = "" if abs(value - expected) <= allowed else "  <- differs"
        found, off = found + 1, off + bool(flag)
        print(f"{line}{value:10.4f}({error:.4f}){expected:11.4g}{flag}")
    print(f"{found - off} of {found} entries agree within 4 standard errors, rounding and 2 %")
    return found - off, found


def noise_name(metrics, group):
    """passive T 1, active tau 0.5, active tau 0.5 Tp 0.001 or cld."""
    column = metrics.column
    kind = column["process"][group]
    if kind == "passive":
        return f"passive T {column['temperature'][group]:g}"
    if kind == "active":
        warm = column["tp"][group]
        return f"active tau {column['tau'][group]:g}" + (f" Tp {warm:g}" if warm > 0 else "")
    return kind


def measured(data, path):
    """All entries of one metrics file under the keys of read_reference, and its floors."""
    metrics = Metrics(path)
    table = {}
    for g in range(len(metrics.label)):
        scheme = f"{metrics.column['scheme'][g]} {metrics.column['last'][g]}"
        for metric in metrics.name:
            table[data, noise_name(metrics, g), scheme, int(metrics.column["steps"][g]), metric] = metrics.at(g, metric)
    return table, dict(zip(metrics.name, metrics.floor))


# ---- panels ----

def scatter(axes, x, window, title="", note=""):
    """Samples in the plane as fine dots; a note in the corner where nothing was sampled."""
    if x is None:
        axes.text(0.5, 0.5, "diverged", ha="center", va="center", transform=axes.transAxes, color="0.4")
    else:
        size = 0.6 if len(x) > 2000 else 1.5
        axes.scatter(x[:, 0], x[:, 1], s=size, c="#0072B2", alpha=0.6, linewidths=0, rasterized=True)
    axes.set(xlim=window, ylim=window, xticks=[], yticks=[])
    axes.set_aspect("equal")
    axes.spines[["top", "right"]].set_visible(True)
    axes.set_title(title, fontsize=8)
    axes.set_xlabel(note, fontsize=6.5, labelpad=2)


def numbers(metrics, names, **wanted):
    """What is written beneath a panel: "KL 0.58(2)  TV 0.011(3)"."""
    found = [(n, metrics.find(n, **wanted)) for n in names if n in metrics.name]
    if not found or not np.isfinite(found[0][1].value):
        return ""
    cells = [f"{SYMBOL.get(n, n)} {estimate(e.value, e.error)}" for n, e in found]
    return "\n".join("  ".join(cells[i:i + 2]) for i in range(0, len(cells), 2))


def style(process, tau=None):
    """Colour and marker of a noise; active ones by their persistence time where several are shown."""
    colour, marker = STYLE[process]
    return (TAU_COLOURS.get(round(float(tau), 4), colour) if tau is not None else colour), marker


def plain_log(axis):
    """A logarithmic axis labelled 0.2, 0.5, 1, not with powers of ten."""
    axis.set_major_locator(matplotlib.ticker.LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(matplotlib.ticker.FormatStrFormatter("%g"))
    axis.set_minor_formatter(matplotlib.ticker.NullFormatter())
    axis.set_minor_locator(matplotlib.ticker.NullLocator())


def draw_floor(axes, floor, text="floor"):
    axes.axhline(floor, color="0.6", lw=0.8, zorder=0)
    axes.annotate(text, (1, floor), xycoords=("axes fraction", "data"), xytext=(-2, 2), textcoords="offset points",
                  ha="right", fontsize=7, color="0.4")


# ---- captions ----

class Caption:
    """One line a claim, with a verdict from the numbers: agrees, does not, or open where the errors decide nothing."""

    def __init__(self, heading):
        self.heading, self.lines = heading, []

    def say(self, verdict, text):
        self.lines.append(f"{verdict}: {text}")

    def lower(self, claim, one, other, what):
        """Is the first number below the second, beyond 95 % of Student's t over the repetitions?"""
        self._differ(claim, one, other, what, other.value - one.value)

    def higher(self, claim, one, other, what):
        self._differ(claim, one, other, what, one.value - other.value)

    def _differ(self, claim, one, other, what, gap):
        error = float(np.hypot(one.error, other.error))
        values = f"{what} {estimate(one.value, one.error)} against {estimate(other.value, other.error)}"
        if gap == 0:
            self.say("does not", f"{claim}: {values}, the same to the last bit")
        elif not np.isfinite(gap) or not error > 0:
            self.say("open", f"{claim}: {values}, no error known")
        else:
            limit = STUDENT.get(one.n + other.n - 2, 2.0)
            verdict = "agrees" if gap > limit * error else "does not" if gap < -limit * error else "open"
            self.say(verdict, f"{claim}: {values}, {abs(gap) / error:.1f} s.e. (95 %: {limit:.1f})")

    def same(self, claim, one, other, what):
        """Are the two numbers equal within 95 % of Student's t?"""
        gap, error = abs(one.value - other.value), float(np.hypot(one.error, other.error))
        values = f"{what} {estimate(one.value, one.error)} against {estimate(other.value, other.error)}"
        if gap == 0:
            self.say("agrees", f"{claim}: {values}, to the last bit")
            return
        limit = STUDENT.get(one.n + other.n - 2, 2.0)
        self.say("agrees" if gap <= limit * error else "does not", f"{claim}: {values}, {gap / error:.1f} s.e. (95 %: {limit:.1f})")

    def finish(self, fig, path):
        """Draw beneath the figure, print, write <path>.txt beside the picture, and end with the picture's name."""
        width, height = fig.get_size_inches()
        columns = 2 if width > 12 else 1
        letters = int(width / columns * 19)
        head = textwrap.wrap(self.heading, int(width * 19))
        rows = [row for line in self.lines for row in textwrap.wrap(line, letters, subsequent_indent="    ")]
        half = -(-len(rows) // columns)
        while columns == 2 and half < len(rows) and rows[half].startswith("    "):
            half += 1
        line = 0.124  # inches
        room = line * (len(head) + half) + 0.1
        fig.set_size_inches(width, height + room)
        share = room / (height + room)
        fig.get_layout_engine().set(rect=(0, share, 1, 1 - share - 0.32 / (height + room)))
        top = share - 0.05 / (height + room)
        fig.text(0.01, top, "\n".join(head), fontsize=7, va="top", linespacing=1.25)
        for c in range(columns):
            fig.text(0.01 + c / columns, top - line * len(head) / (height + room), "\n".join(rows[c * half:(c + 1) * half]),
                     fontsize=7, va="top", linespacing=1.25)
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        fig.savefig(path, dpi=150)
        whole = "\n".join([self.heading] + self.lines)
        with open(os.path.splitext(path)[0] + ".txt", "w", encoding="utf8") as f:
            f.write(whole + "\n")
        print(whole)
        print(path)
