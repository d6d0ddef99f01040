"""Largest errors of the best polynomials, to 50 digits: the rows of minimax.test.ts.

Needs mpmath. Remez's exchange as in src/passes/polynomial/minimax.ts, in arithmetic that has digits to spare.
"""

from mpmath import cos, erf, exp, log, lu_solve, matrix, mp, mpf, nstr, pi, sqrt, tanh

mp.dps = 50

FUNCTIONS = {
    "exp": (exp, -1, 1),
    "relu": (lambda x: max(x, mpf(0)), -2, 3),
    "abs": (abs, -1, 2),
    "sigmoid": (lambda x: 1 / (1 + exp(-x)), -8, 6),
    "tanh": (tanh, -3, 2),
    "erf": (erf, -2, 2.5),
    "gelu": (lambda x: x * (1 + erf(x / sqrt(mpf(2)))) / 2, -4, 3),
    "silu": (lambda x: x / (1 + exp(-x)), -6, 5),
    "softplus": (lambda x: log(1 + exp(x)), -5, 4),
    "log": (log, 0.5, 4),
}


def chebyshev(s, size):
    values = [mpf(1), s]
    while len(values) < size:
        values.append(2 * s * values[-1] - values[-2])
    return values[:size]


def largest(f, a, b):
    section = (sqrt(mpf(5)) - 1) / 2
    x, y = b - section * (b - a), a + section * (b - a)
    fx, fy = f(x), f(y)
    for _ in range(70):
        if fx > fy:
            b, y, fy = y, x, fx
            x = b - section * (b - a)
            fx = f(x)
        else:
            a, x, fx = x, y, fy
            y = a + section * (b - a)
            fy = f(y)
    return (x, fx) if fx > fy else (y, fy)


def minimax_error(f, lo, hi, degree):
    lo, hi = mpf(lo), mpf(hi)
    size = degree + 2

    def points(count):
        return [(lo + hi) / 2 - (hi - lo) / 2 * cos(pi * k / (count - 1)) for k in range(count)]

    reference = points(size)
    grid = points(40 * size + 1)
    for _ in range(40):
        rows = matrix(size, size)
        right = matrix(size, 1)
        for i, x in enumerate(reference):
            for k, value in enumerate(chebyshev((2 * x - lo - hi) / (hi - lo), degree + 1)):
                rows[i, k] = value
            rows[i, degree + 1] = (-1) ** i
            right[i] = f(x)
        solution = lu_solve(rows, right)

        def error(x):
            basis = chebyshev((2 * x - lo - hi) / (hi - lo), degree + 1)
            return sum(solution[k] * value for k, value in enumerate(basis)) - f(x)

        values = [error(x) for x in grid]
        extrema = []
        for k, value in enumerate(values):
            before = abs(values[k - 1]) if k > 0 else mpf(-1)
            after = abs(values[k + 1]) if k + 1 < len(values) else mpf(-1)
            if abs(value) < before or abs(value) <= after:
                continue
            sign = 1 if value > 0 else -1
            x, y = largest(lambda t: sign * error(t), grid[max(0, k - 1)], grid[min(len(grid) - 1, k + 1)])
            extrema.append(max([(x, sign * y), (grid[k], value)], key=lambda at: abs(at[1])))
        kept = []
        for extremum in extrema:
            if not kept or (kept[-1][1] > 0) != (extremum[1] > 0):
                kept.append(extremum)
            elif abs(extremum[1]) > abs(kept[-1][1]):
                kept[-1] = extremum
        while len(kept) > size:
            kept.pop(0 if abs(kept[0][1]) < abs(kept[-1][1]) else -1)
        worst = max(abs(value) for _, value in kept)
        if worst <= abs(solution[degree + 1]) * (1 + mpf(10) ** -20):
            return worst
        reference = [x for x, _ in kept]
    raise ArithmeticError("the exchange did not end")


for name, (function, least, most) in FUNCTIONS.items():
    for degree in (3, 7, 15):
        print(f"['{name}', {least}, {most}, {degree}, {nstr(minimax_error(function, least, most, degree), 17)}],")
