#!/usr/bin/env python3
"""Reference numbers for tests/test_rhm_theory.c: what a noised leaf z = e_0 + sigma xi in R^v tells.

Run as  python3 tests/reference/rhm_reference.py > tests/reference/rhm_reference.h

With y = z/sigma2 and S = sum_i exp(y_i): the mean of p = exp(y_0)/S is the integral over r > 0 of E[exp(y_0 - r S)], the mean of log S that
of (exp(-r) - E[exp(-r S)])/r (Frullani). Both expectations factorise over i. Gauss-Legendre rules throughout. Two symbols need only the
difference of two normals: their line is computed that way, and must agree with the other.
"""
import numpy as np

CASES = [(2, 0.05), (2, 0.8), (2, 5.0), (3, 0.3), (32, 0.1), (32, 0.156), (32, 1.0), (128, 0.15), (128, 3.0)]


def legendre(lo, hi, pieces, order=40):
    """nodes and weights of a composite rule"""
    x, w = np.polynomial.legendre.leggauss(order)
    edge = np.linspace(lo, hi, pieces + 1)
    half = np.diff(edge)[:, None] / 2
    return (edge[:-1, None] + half * (1 + x)).ravel(), (half * w).ravel()


XI, WEIGHT = legendre(-13, 13, 30)
WEIGHT = WEIGHT * np.exp(-XI ** 2 / 2) / np.sqrt(2 * np.pi)


def leaf(v, sigma2):
    gain, sd = 1 / sigma2, 1 / np.sqrt(sigma2)
    w, step = legendre(-gain - 13 * sd - 45, 13 * sd + 10, 60)  # r = exp(w)
    y = w[:, None] + sd * XI
    with np.errstate(over="ignore", under="ignore"):
        other, true = np.exp(-np.exp(y)) @ WEIGHT, np.exp(-np.exp(y + gain)) @ WEIGHT
        taken = np.exp(y + gain - np.exp(y + gain)) @ WEIGHT
        belief = step @ (taken * other ** (v - 1))
        mean_log = step @ (np.exp(-np.exp(w)) - true * other ** (v - 1))
    return belief, np.log(v) + gain - mean_log


def two(sigma2):
    """y_0 - y_1 is normal with mean 1/sigma2 and variance 2/sigma2"""
    margin = 1 / sigma2 + np.sqrt(2 / sigma2) * XI
    return WEIGHT @ (1 / (1 + np.exp(-margin))), np.log(2) - WEIGHT @ np.log1p(np.exp(-margin))


def main():
    print("/* Written by rhm_reference.py; do not edit */\n/* clang-format off */")
    print("static const struct {\n  int v;\n  double sigma2, belief, information;\n} rhm_reference[] = {")
    for v, sigma2 in CASES:
        found = leaf(v, sigma2)
        if v == 2:
            assert np.allclose(found, two(sigma2), rtol=0, atol=3e-14)
            found = two(sigma2)
        print(f"  {{{v}, {sigma2}, {found[0]:.15g}, {found[1]:.15g}}},")
    print("};")


if __name__ == "__main__":
    main()
