#!/usr/bin/env python3
"""Largest eigenvalues of the covariance of the rows that `bench spectrum` has written, by numpy, scipy and, where it is installed,
scikit-learn: one JSON line each. One thread, or as many as the first argument says (set OMP_NUM_THREADS too)."""
import json
import sys
import time

import numpy as np

threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
X = np.fromfile("build/bench_pictures.u8", dtype=np.uint8).reshape(60000, 784) / 255.0


def explicit():
    return np.linalg.eigvalsh(np.cov(X, rowvar=False))[-1]


def lanczos():
    from scipy.sparse.linalg import LinearOperator, eigsh
    mean = X.mean(axis=0)

    def product(v):
        w = X @ v - mean @ v
        return (w @ X - w.sum() * mean) / (len(X) - 1)

    return eigsh(LinearOperator((784, 784), matvec=product, dtype=float), k=3, which="LA", tol=1e-10, return_eigenvectors=False)[-1]


def pca(solver):
    from sklearn.decomposition import PCA
    return PCA(n_components=3, svd_solver=solver, random_state=0).fit(X).explained_variance_[0]


for name, run in (("numpy_cov_eigvalsh", explicit), ("scipy_eigsh", lanczos), ("sklearn_pca_arpack", lambda: pca("arpack")),
                  ("sklearn_pca_randomized", lambda: pca("randomized"))):
    try:
        best = 1e30
        for _ in range(3):
            start = time.perf_counter()
            value = run()
            best = min(best, time.perf_counter() - start)
        print(json.dumps({"bench": name, "threads": threads, "value": round(best, 4), "unit": "s", "lambda": value}), flush=True)
    except ImportError as missing:
        print(json.dumps({"bench": name, "note": str(missing)}), flush=True)
