#!/usr/bin/env python3
"""Reference numbers for tests/test_kernel.c and test_scheme.c: the law of the linear SDE in 400 digits.

Run as  python3 tests/reference/kernel_reference.py > tests/reference/kernel_reference.h

The route has nothing in common with the C code: the covariance is C_inf - F C_inf F^T with C_inf from the
Lyapunov equation (stable M), or a block of the exponential of [[-M, Q], [0, M^T]] (k = 0); what either
loses by cancellation, 400 digits pay for. The entries of M, Q and V0 are doubles and are taken as exact.
"""
from mpmath import mp, matrix, expm, inverse, lu_solve, log, det

DIGITS = 400


def active(k, tau, tp, ta, variance=None):
    """x' = -k x + eta + noise(Tp), eta an Ornstein-Uhlenbeck process, of variance Ta/tau or as given at 0"""
    v0 = ta / tau if variance is None else variance
    return ([[-k, 1.0], [0.0, -1.0 / tau]], [[2 * tp, 0.0], [0.0, 2 * ta / tau ** 2]],
            [[0.0, 0.0], [0.0, v0]])


def cld(beta, gamma_friction, m, gamma):
    return ([[0.0, beta / m], [-beta, -beta * gamma_friction / m]],
            [[0.0, 0.0], [0.0, 2 * gamma_friction * beta]], [[0.0, 0.0], [0.0, gamma * m]])


def passive(k, temperature):
    return [[-k]], [[2 * temperature]], [[0.0]]


def two_baths(k, tau1, ta1, tau2, ta2):
    """x driven by two independent Ornstein-Uhlenbeck noises"""
    return ([[-k, 1.0, 1.0], [0.0, -1.0 / tau1, 0.0], [0.0, 0.0, -1.0 / tau2]],
            [[0.0, 0.0, 0.0], [0.0, 2 * ta1 / tau1 ** 2, 0.0], [0.0, 0.0, 2 * ta2 / tau2 ** 2]],
            [[0.0, 0.0, 0.0], [0.0, ta1 / tau1, 0.0], [0.0, 0.0, ta2 / tau2]])


def underdamped(k, friction, tau, ta, v0, s0):
    """x' = v, v' = -k x - friction v + eta: noise reaches x by way of v and eta"""
    return ([[0.0, 1.0, 0.0], [-k, -friction, 1.0], [0.0, 0.0, -1.0 / tau]],
            [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 2 * ta / tau ** 2]],
            [[0.0, 0.0, 0.0], [0.0, v0, 0.0], [0.0, 0.0, s0]])


def chain(b, rate, v0):
    """x <- a_1 <- ... <- a_{b-1} <- noise, rates rate, 1.5 rate, 2 rate, ..."""
    m = [[0.0] * b for _ in range(b)]
    q = [[0.0] * b for _ in range(b)]
    v = [[0.0] * b for _ in range(b)]
    for i in range(b):
        m[i][i] = -rate * (1 + 0.5 * i)
        if i + 1 < b:
            m[i][i + 1] = 1.0
        if i > 0:
            v[i][i] = v0
    q[b - 1][b - 1] = 2.0
    return m, q, v


def general():
    """full matrices, correlated noise and correlated start"""
    return ([[-1.0, 0.75, -0.5], [0.25, -2.0, 1.25], [-0.375, 0.5, -0.625]],
            [[0.5, 0.125, -0.25], [0.125, 1.0, 0.375], [-0.25, 0.375, 0.75]],
            [[0.0, 0.0, 0.0], [0.0, 0.75, -0.25], [0.0, -0.25, 0.5]])


def cases():
    # the seven rows of the table of check values, then the same processes without eta0
    rows = [(1.3, 0.7, 0.2, 0.9, 0.8), (1.0, 1.0, 0.0, 1.0, 0.5), (1.0, 1.000000001, 0.0, 1.0, 0.5),
            (1.0, 0.5, 0.0, 1.0, 1e-5), (1.0, 0.5, 0.001, 1.0, 1e-4), (4.0, 0.15, 0.001, 6.4, 1.0),
            (1.0, 0.02, 0.0, 1.0, 2.0)]
    for k, tau, tp, ta, t in rows:
        yield active(k, tau, tp, ta), t
        yield active(k, tau, tp, ta, 0.0), t
    # t/tau from 1e-9 to 4e3, both orders of k and 1/tau
    for k, tau, tp in [(0.03, 300.0, 0.0), (30.0, 0.003, 0.0), (0.03, 0.003, 0.3), (30.0, 300.0, 0.0),
                       (1.0, 0.5, 0.0)]:
        for ratio in [1e-9, 1e-5, 1e-2, 1.0, 4e3]:
            if k * tau * ratio < 340.0:
                yield active(k, tau, tp, 1.0), ratio * tau
    # at and near k tau = 1
    for tau in [1.0 + 2.0 ** -52, 1.0 - 1e-14, 1.0 + 1e-12, 1.0 + 1e-7, 1.0 - 1e-4]:
        yield active(1.0, tau, 0.0, 1.0), 0.3
    yield active(1.0, 1.0 + 1e-14, 0.0, 1.0), 1e-6
    yield active(1.0, 1.0 + 1e-14, 0.0, 1.0), 40.0
    # CLD: under-damped, critical, over-damped
    for gamma_friction in [0.5, 1.0, 2.0]:
        for t in [1e-6, 0.25, 3.0]:
            yield cld(4.0, gamma_friction, 0.25, 0.04), t
    for t in [1e-6, 3.0, 200.0]:
        yield passive(1.3, 0.8), t
    for t in [1e-6, 0.5, 40.0]:
        yield two_baths(1.3, 0.7, 0.9, 0.05, 0.4), t
        yield underdamped(1.0, 0.8, 0.5, 1.0, 1.0, 2.0), t
        yield underdamped(1.0, 0.8, 0.5, 1.0, 0.0, 0.0), t
        yield general(), t
    yield underdamped(1.0, 0.8, 0.5, 1.0, 1.0, 2.0), 1e-9
    for b in [4, 6]:
        for v0 in [0.0, 1.0]:
            for t in [1e-5, 0.5, 20.0]:
                yield chain(b, 0.7, v0), t
    # no restoring force: the covariance of x grows without bound
    for t in [1e-6, 5.0]:
        yield active(0.0, 0.5, 0.01, 1.0), t


def steps():
    """processes, t and s of ancestral steps: long, short, first, last, b = 1, 2, 3"""
    yield active(1.3, 0.7, 0.2, 0.9), 0.8, 0.5
    yield active(1.0, 0.5, 0.0, 1.0), 1.0, 0.999
    yield active(1.0, 0.5, 0.0, 1.0), 0.001, 0.0
    yield active(1.0, 0.5, 0.0, 1.0), 1e-5, 0.9999e-5
    yield active(4.0, 0.25, 0.0, 1.0, 0.0), 2.0, 0.01
    yield cld(4.0, 1.0, 0.25, 0.04), 1.0, 0.9
    yield cld(4.0, 0.5, 0.25, 0.04), 0.5, 1e-4
    yield passive(1.3, 0.8), 0.7, 0.6
    yield two_baths(1.3, 0.7, 0.9, 0.05, 0.4), 0.8, 0.75
    yield underdamped(1.0, 0.8, 0.5, 1.0, 1.0, 2.0), 0.1, 0.09
    yield general(), 0.5, 0.0


def lyapunov(m, q):
    b = m.rows
    a, rhs = matrix(b * b), matrix(b * b, 1)
    for r in range(b):
        for c in range(b):
            for j in range(b):
                a[r * b + c, j * b + c] += m[r, j]
                a[r * b + c, r * b + j] += m[c, j]
            rhs[r * b + c] = -q[r, c]
    x = lu_solve(a, rhs)
    return matrix([[x[r * b + c] for c in range(b)] for r in range(b)])


def covariance(m, q, f, t):
    b = m.rows
    if m[0, 0] != 0 or m[b - 1, 0] != 0 or m[1, 0] != 0:
        stationary = lyapunov(m, q)
        return stationary - f * stationary * f.T
    block = matrix(2 * b)
    block[:b, :b], block[:b, b:], block[b:, b:] = -m, q, m.T
    e = expm(block * t)
    return e[b:, b:].T * e[:b, b:]


def law(process, t):
    """C, Cb, l, sigma2, log det Cb of one case"""
    m, q, v0 = (matrix(a) for a in process)
    t = mp.mpf(t)
    f = expm(m * t)
    c = covariance(m, q, f, t)
    cb = c + f * v0 * f.T
    u = f[:, 0]
    y = inverse(cb) * u
    sigma2 = 1 / (u.T * y)[0]
    return c, cb, y * sigma2, sigma2, log(det(cb))


def bridge(process, t, s):
    """K, B, V of X_s given X_t and x0"""
    m, q, v0 = (matrix(a) for a in process)
    t, s = mp.mpf(t), mp.mpf(s)
    f = expm(m * (t - s))
    ft, fs = expm(m * t), expm(m * s)
    cb_t = covariance(m, q, ft, t) + ft * v0 * ft.T
    cb_s = covariance(m, q, fs, s) + fs * v0 * fs.T
    k = cb_s * f.T * inverse(cb_t)
    return k, fs[:, 0] - k * ft[:, 0], cb_s - k * f * cb_s


def numbers(values):
    return "{" + ", ".join(repr(float(v) + 0.0) for v in values) + "}"


def main():
    mp.dps = DIGITS
    print("/* Written by kernel_reference.py; do not edit */")
    print("/* clang-format off */")
    print("static const struct {\n  int b;\n"
          "  double t, M[36], Q[36], V0[36], C[36], Cb[36], l[6], sigma2, log_det;\n"
          "} kernel_reference[] = {")
    for process, t in cases():
        c, cb, l, sigma2, log_det = law(process, t)
        given = ", ".join(numbers(v for row in a for v in row) for a in process)
        print("  {%d, %r, %s,\n   %s, %s,\n   %s, %r, %r}," % (
            len(process[0]), t, given, numbers(c), numbers(cb), numbers(l), float(sigma2),
            float(log_det)))
    print("};")
    print("static const struct {\n  int b;\n  double t, s, M[36], Q[36], V0[36], K[36], B[6], V[36];\n"
          "} bridge_reference[] = {")
    for process, t, s in steps():
        k, b, v = bridge(process, t, s)
        given = ", ".join(numbers(v for row in a for v in row) for a in process)
        print("  {%d, %r, %r, %s,\n   %s, %s, %s}," % (
            len(process[0]), t, s, given, numbers(k), numbers(b), numbers(v)))
    print("};")


if __name__ == "__main__":
    main()
