"""Compare derivatives with central differences of the solution."""

import numpy as np

import fastpiggy as fp


def largest_error(problem, names, algorithm="auto", derivative="auto", step=1e-5):
    """Relative error of the Jacobians with respect to some parameters that are numbers."""
    sol = fp.solve(problem, wrt=names, algorithm=algorithm, derivative=derivative, tol=1e-12)
    errors = []
    for name in names:
        value = problem.parameters[name]
        above, below = (
            fp.solve(problem.replace(**{name: value + side * step}), tol=1e-12).x
            for side in (1.0, -1.0)
        )
        difference = (above - below) / (2.0 * step)
        gap = np.linalg.norm(sol.jacobian[name] - difference)
        errors.append(gap / np.linalg.norm(difference))
    return max(errors)
