"""Files of `adiff rhm`: what the figures of random hierarchies share."""
import sys

import h5py
import numpy as np

from adpost import Estimate, texts


class Hierarchy:
    """One file of `adiff rhm` with one noise: sizes, cases, curves [size][case][time][level], where roots are lost, predictions."""

    def __init__(self, path):
        try:
            with h5py.File(path, "r") as f:
                d = f["rhm"]
                self.cases = texts(d["case"])
                self.size = [dict(zip("Lsvm", row)) for row in zip(*(d[k][()] for k in ("levels", "children", "symbols", "rules")))]
                self.time, self.sigma2 = d["time"][0], d["sigma2"][0]  # [time], [case][time]
                self.accuracy, self.error = d["accuracy"][:, 0], d["accuracy_stderr"][:, 0]
                self.half = {k: (d[k][:, 0], d[k + "_stderr"][:, 0]) for k in ("t50", "sigma2_50")}
                self.grammars, self.trials = int(d.attrs["grammars"]), int(d.attrs["trials"])
                self.theory = {k: v[()] for k, v in d["theory"].items()}
        except (OSError, KeyError) as problem:
            sys.exit(f"postproc: {path}: expected a file of 'adiff rhm' with a prediction ({problem})")

    def root(self, case, size=0):
        """accuracy of the root and its error, against time"""
        c, level = self.cases.index(case), self.size[size]["L"]
        return self.accuracy[size, c, :, level], self.error[size, c, :, level]

    def lost(self, what, case, size=0):
        """t50 or sigma2_50"""
        value, error = self.half[what]
        c = self.cases.index(case)
        return Estimate(value[size, c], error[size, c], self.grammars)

    def predicted(self, size=0):
        return Estimate(self.theory["sigma2_50"][size], self.theory["sigma2_50_stderr"][size], 8)

    def information(self, sigma2, size=0):
        """of a leaf at this sigma2, nats, between the noises around the predicted crossing"""
        return np.interp(np.log(sigma2), np.log(self.theory["sigma2"][size]), self.theory["information"][size])
