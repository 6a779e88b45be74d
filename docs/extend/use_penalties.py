"""Both penalties in every algorithm, checked by central differences."""

import numpy as np
from asymmetric import Asymmetric
from ceiling import Ceiling

import fastpiggy as fp

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 12))
y = X[:, :4] @ [2.0, -2.0, 1.0, 0.3] + rng.standard_normal(60)
loss = fp.losses.LeastSquares(y, np.full(60, 1 / 60))

errors = {}
for penalty in (Asymmetric(alpha=0.1, up=1.0, down=2.5), Ceiling(top=0.8)):
    problem = fp.Problem(loss, penalty, X)
    for algorithm in ("forward_backward", "coordinate_descent", "block_descent"):
        for derivative in ("piggyback", "late", "frozen", "implicit"):
            case = type(penalty).__name__, algorithm, derivative
            options = {"algorithm": algorithm, "derivative": derivative}
            errors[case] = fp.check_gradient(problem, penalty._fields, **options).error

if __name__ == "__main__":
    worst = max(errors, key=errors.get)
    print(f"{len(errors)} cases, largest error {errors[worst]:.1e} ({', '.join(worst)})")
