"""The loss in two algorithms, checked by central differences, then tuned."""

import numpy as np
from pseudo_huber import PseudoHuber

import fastpiggy as fp

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 12))
y = X[:, :4] @ [2.0, -2.0, 1.0, 0.3] + rng.standard_t(2, 60)
loss = PseudoHuber(y, np.full(60, 1 / 60), delta=1.0)
problem = fp.Problem(loss, fp.penalties.L1(0.05, np.ones(12)), X)

errors = {
    algorithm: fp.check_gradient(problem, ["alpha", "delta"], algorithm=algorithm).error
    for algorithm in ("coordinate_descent", "forward_backward")
}
certificate = fp.solve(problem, wrt=["alpha", "delta"]).certificate
result = fp.tune(fp.CrossVal(problem, cv=5), wrt="alpha")

if __name__ == "__main__":
    print(errors)
    print(certificate)
    print(result)
