#!/usr/bin/env python3
"""Speciation times of tests/test_speciation.c: bisection in 40 digits (half a minute).

The variances are integrals of their definitions, done by quadrature; the C code sums a Taylor series and doubles it.
"""
from mpmath import exp, log, mp, mpf, nstr, quad

mp.dps = 40


def law(k, tau, tp, ta, t):
    """e^{-kt}, variance of x given x0, and variance of x given x0 and eta"""
    def phi(s):
        return (exp(-s / tau) - exp(-k * s)) / (k - 1 / tau)

    m11 = quad(lambda s: 2 * tp * exp(-2 * k * s) + 2 * ta / tau**2 * phi(s) ** 2, [0, t / 4, t / 2, t])
    marginal = m11 + ta / tau * phi(t) ** 2
    slope = (1 - exp(-(k + 1 / tau) * t)) / (k + 1 / tau)
    return exp(-k * t), marginal, marginal - ta / tau * slope**2


def bisect(f):
    lo, hi = mpf("1e-4"), mpf(30)
    for _ in range(110):
        middle = (lo + hi) / 2
        lo, hi = (middle, hi) if f(middle) < 0 else (lo, middle)
    return lo


CASES = [("1", "0.5", "0", "1", "257"), ("1", "2", "0", "1", "257"), ("1.3", "0.7", "0.05", "0.9", "4.3"),
         ("0.4", "3", "0.2", "1.7", "0.02"), ("4", "0.15", "0.001", "6.4", "1000")]
for case in CASES:
    k, tau, tp, ta, lam = map(mpf, case)
    roots = [bisect(lambda t, i=i: log(law(k, tau, tp, ta, t)[i] / law(k, tau, tp, ta, t)[0] ** 2 / lam)) for i in (1, 2)]
    final = tp / k + ta / (k * (1 + k * tau))
    times = roots + [log(1 + lam * k / ta) / (2 * k), log(1 + lam / final) / (2 * k)]
    print("    {%s, %s}," % (", ".join(case), ", ".join(nstr(t, 17) for t in times)))
