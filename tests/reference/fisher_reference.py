#!/usr/bin/env python3
"""Reference numbers for tests/test_memory.c: Fisher memory of X(0) and of x0 at random points, in 400 digits.

Run as  python3 tests/reference/fisher_reference.py > tests/reference/fisher_reference.h

F = e^{M^T t} C^{-1} e^{M t} with C = C_inf - e^{M t} C_inf e^{M^T t} (kernel_reference.py): inverses and differences that 400
digits pay for. The entries of M, Q and V0 are doubles and are taken as exact.
"""
import random

from mpmath import mp, matrix, expm, inverse

from kernel_reference import DIGITS, active, chain, cld, covariance, general, numbers, two_baths, underdamped


def cases():
    draw = random.Random(8)
    log = lambda lo, hi: lo * (hi / lo) ** draw.random()
    for _ in range(60):
        k, tau = log(0.03, 30.0), log(0.003, 300.0)
        kind = draw.random()
        if kind < 0.15:
            tau = 1.0 / k
        elif kind < 0.4:
            tau = (1.0 + draw.choice([-1, 1]) * log(1e-14, 0.1)) / k
        t = min(log(1e-9, 30.0), 150.0 / max(k, 1.0 / tau))
        yield active(k, tau, draw.choice([0.0, 0.0, log(1e-6, 0.3)]), 1.0), t
    for tau in [0.05, 1.0, 20.0]:  # late: t/tau up to 300
        yield active(1.0, tau, 0.0, 1.0), 15.0
        yield active(1.0, tau, 0.01, 0.7, 0.0), 2.5
    for t in [1e-7, 0.3, 4.0]:
        for friction in [0.5, 1.0, 2.0]:
            yield cld(4.0, friction, 0.25, 0.04), t
        yield two_baths(1.3, 0.7, 0.9, 0.05, 0.4), t
        yield underdamped(1.0, 0.8, 0.5, 1.0, 1.0, 2.0), t
        yield general(), t
        yield chain(4, 0.7, 1.0), t


def memory(process, t):
    """F, and the information on x0 in X, x and the auxiliary variables"""
    m, q, v0 = (matrix(a) for a in process)
    f = expm(m * mp.mpf(t))
    c = covariance(m, q, f, mp.mpf(t))
    cb, u, b = c + f * v0 * f.T, f[:, 0], m.rows
    inform = lambda lo, hi: (u[lo:hi, 0].T * inverse(cb[lo:hi, lo:hi]) * u[lo:hi, 0])[0]
    return f.T * inverse(c) * f, inform(0, b), inform(0, 1), inform(1, b)


def main():
    mp.dps = DIGITS
    print("/* Written by fisher_reference.py; do not edit */")
    print("/* clang-format off */")
    print("static const struct {\n  int b;\n  double t, M[16], Q[16], V0[16], F[16], joint, x_alone, aux_alone;\n"
          "} fisher_reference[] = {")
    for process, t in cases():
        f, joint, x_alone, aux_alone = memory(process, t)
        given = ", ".join(numbers(v for row in a for v in row) for a in process)
        print("  {%d, %r, %s,\n   %s, %r, %r, %r}," % (
            len(process[0]), t, given, numbers(f), float(joint), float(x_alone), float(aux_alone)))
    print("};")


if __name__ == "__main__":
    main()
