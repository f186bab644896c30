"""Reading adiff's result files and the look of its figures. Draws, computes nothing."""
import sys

import h5py
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (after the backend is chosen)

plt.rcParams.update({"figure.dpi": 130, "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
                     "legend.frameon": False, "image.cmap": "viridis"})


def texts(dataset):
    """A dataset of fixed-length strings as a list of str."""
    return [t.decode().rstrip("\0") if isinstance(t, bytes) else str(t) for t in dataset[()]]


class Metrics:
    """The table of `adiff metrics`: value(group, metric) with its standard error, floors, properties of the groups."""

    def __init__(self, path):
        try:
            with h5py.File(path, "r") as f:
                m = f["metrics"]
                self.label, self.name = texts(m["label"]), texts(m["name"])
                self.value, self.error = m["value"][()], m["stderr"][()]
                self.floor, self.floor_error = m["floor"][()], m["floor_stderr"][()]
                n = len(self.label)
                self.column = {k: (texts(d) if d.dtype.kind == "S" else d[()])
                               for k, d in m.items() if isinstance(d, h5py.Dataset) and d.shape[:1] == (n,) and d.ndim == 1}
                self.histogram = m["histogram"][()] if "histogram" in m else None
                self.reference = m["reference_histogram"][()] if "reference_histogram" in m else None
                self.edges = m["edges"][()] if "edges" in m else None
                self.revision = f["run"].attrs.get("git_commit", b"unknown")
        except (OSError, KeyError) as problem:
            sys.exit(f"postproc: {path}: expected a file of 'adiff metrics' ({problem})")

    def groups(self, **wanted):
        """Indices of the groups whose columns have these values."""
        return [g for g in range(len(self.label)) if all(self._match(self.column[k][g], v) for k, v in wanted.items())]

    @staticmethod
    def _match(found, wanted):
        return wanted(found) if callable(wanted) else found == wanted

    def get(self, group, metric):
        """(value, standard error) of one entry."""
        j = self.name.index(metric)
        return self.value[group, j], self.error[group, j]
