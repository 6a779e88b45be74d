"""Both penalties in every algorithm, checked by central differences."""

import numpy as np
from asymmetric import Asymmetric
from ceiling import Ceiling
from check_derivative import largest_error
from pseudo_huber import PseudoHuber

import fastpiggy as fp

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 12))
y = X[:, :4] @ [2.0, -2.0, 1.0, 0.3] + rng.standard_normal(60)
weight = np.full(60, 1 / 60)

losses = {
    "least squares": fp.losses.LeastSquares(y, weight),
    "pseudo-Huber": PseudoHuber(y, weight, 1.5),
}
penalties = {"asymmetric l1": Asymmetric(0.1, 1.0, 2.5), "ceiling": Ceiling(0.8)}
errors = {}
for loss_name, loss in losses.items():
    for penalty_name, penalty in penalties.items():
        problem = fp.Problem(loss, penalty, X, fit_intercept=True)
        for algorithm in ("forward_backward", "coordinate_descent", "block_descent"):
            for derivative in ("piggyback", "late", "frozen", "implicit"):
                case = loss_name, penalty_name, algorithm, derivative
                errors[case] = largest_error(problem, algorithm, derivative)

if __name__ == "__main__":
    worst = max(errors, key=errors.get)
    print(f"{len(errors)} cases, largest error {errors[worst]:.1e} ({', '.join(worst)})")
