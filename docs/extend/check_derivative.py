"""Compare the derivatives of a problem with central differences of its solution."""

import numpy as np

import fastpiggy as fp


def central_difference(problem, name, step=1e-5):
    """Derivative of the coefficients with respect to one number."""
    value = problem.parameters[name]
    ends = (problem.replace(**{name: value + side * step}) for side in (1.0, -1.0))
    above, below = (fp.solve(end, tol=1e-12).x for end in ends)
    return (above - below) / (2.0 * step)


def largest_error(problem, algorithm="auto", derivative="auto"):
    """Over all parameters of the penalty that are numbers, relative to the derivative's size."""
    names = [
        name
        for name, value in problem.parameters.items()
        if problem.block_of(name) == "penalty" and np.ndim(value) == 0
    ]
    sol = fp.solve(problem, wrt=names, algorithm=algorithm, derivative=derivative, tol=1e-12)
    errors = []
    for name in names:
        expected = central_difference(problem, name)
        gap = np.linalg.norm(sol.jacobian[name] - expected)
        errors.append(gap / max(np.linalg.norm(expected), 1e-12))
    return max(errors)
