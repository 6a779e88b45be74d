"""Layers of PyTorch: gradients against differences, batches, types, and what is refused."""

import subprocess
import sys

import numpy as np
import pytest
from tables.problems import PROBLEMS

import fastpiggy as fp

RNG = np.random.default_rng(0)
X = RNG.standard_normal((20, 6))
Y = X @ [2.0, -1.5, 0.0, 0.0, 1.0, 0.0] + 0.1 * RNG.standard_normal((3, 20))
M, G = RNG.standard_normal((4, 4)), RNG.standard_normal((6, 4))


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def leaf(torch, value):
    return torch.tensor(value, dtype=torch.float64, requires_grad=True)


def check(torch, call, *values):
    """`call` of tensors against central differences."""
    leaves = tuple(leaf(torch, value) for value in values)
    return torch.autograd.gradcheck(call, leaves, eps=1e-6, atol=1e-5, rtol=1e-4)


def test_the_package_does_not_import_torch():
    code = "import fastpiggy as fp, sys; fp.torch_function; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_without_torch(monkeypatch):
    from fastpiggy import layers

    layers._function.cache_clear()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r"fastpiggy\[torch\]"):
        fp.torch_function(fp.lasso)
    layers._function.cache_clear()


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_is_a_layer(torch, name):
    """By its own vjp, which other tests hold against differences."""
    make, wrt = PROBLEMS[name]
    problem = make()
    value = leaf(torch, problem.parameters[wrt])
    x = fp.torch_function(problem, tol=1e-11)(**{wrt: value})
    v = np.arange(1.0, x.numel() + 1).reshape(x.shape)
    (x * torch.tensor(v)).sum().backward()
    sol = fp.solve(problem, tol=1e-11)
    np.testing.assert_allclose(x.detach(), sol.x, atol=1e-9)
    expected = sol.vjp(v)[wrt]
    np.testing.assert_allclose(value.grad, expected, atol=1e-8 * (1 + np.abs(expected).max()))


def test_quadratic_programs(torch):
    layer = fp.torch_function(fp.quadratic_program, G=G)
    q, h = RNG.standard_normal((3, 4)), np.full(6, 0.2)
    eye = torch.eye(4, dtype=torch.float64)
    assert check(torch, lambda L, q, h: layer(P=L @ L.T + eye, q=q, h=h), M, q, h)
    assert check(torch, lambda q: layer(P=np.eye(4), q=q, h=h), q)


def test_lasso_batched_and_alone(torch):
    layer = fp.torch_function(fp.lasso, X=X, batch="y", tol=1e-12)
    assert check(torch, lambda y, alpha: layer(y=y, alpha=alpha), Y, 0.1)
    alone = fp.torch_function(fp.lasso, tol=1e-12)
    assert check(torch, lambda X, y: alone(X=X, y=y, alpha=0.1), X, Y[0])
    own = fp.torch_function(fp.lasso, X=X, batch=["y", "alpha"], tol=1e-12)
    alpha = np.array([0.05, 0.1, 0.2])
    w = own(y=leaf(torch, Y), alpha=leaf(torch, alpha)).detach().numpy()
    for i in range(3):
        np.testing.assert_allclose(w[i], fp.solve(fp.lasso(X, Y[i], alpha[i])).x, atol=1e-8)
    assert check(torch, lambda y, a: own(y=y, alpha=a), Y, alpha)


def test_intercepts_are_given_too(torch):
    layer = fp.torch_function(fp.lasso, X=X, fit_intercept=True, tol=1e-12)
    assert check(torch, lambda y, alpha: layer(y=y, alpha=alpha), Y[0] + 2.0, 0.1)
    many = fp.torch_function(fp.lasso, X=X, fit_intercept=True, batch="y", tol=1e-12)
    w, b = many(y=leaf(torch, Y), alpha=0.1)
    assert w.shape == (3, 6) and b.shape == (3,)
    assert check(torch, lambda y: many(y=y, alpha=0.1), Y)


def test_equilibria_and_cones(torch):
    def make(P, R, U, b, x):
        return fp.equilibrium(fp.monotone_weights(P, R, 0.5), U, b, x)

    layer = fp.torch_function(make, tol=1e-12)
    P, R = RNG.standard_normal((2, 5, 5)) / 3
    U, b, x = RNG.standard_normal((5, 3)), RNG.standard_normal(5), RNG.standard_normal((4, 3))
    assert check(torch, lambda *tensors: layer(**dict(zip("PRUbx", tensors, strict=True))),
                 P, R, U, b, x)  # fmt: skip
    A = np.array([[0.0, 0.0], [-2.0, 0.0], [-1.0, -1.0]])
    cone = fp.torch_function(fp.cone_program, cones={"q": [3]}, tol=1e-12)
    right, cost = np.array([1.0, 0.1, 0.2]), np.array([-1.0, -2.0])
    assert check(torch, lambda A, b, c: cone(A=A, b=b, c=c), A, right, cost)


def test_types_and_what_needs_no_gradient(torch):
    layer = fp.torch_function(fp.quadratic_program, G=G, h=np.full(6, 0.2))
    q = torch.tensor(RNG.standard_normal(4), dtype=torch.float32, requires_grad=True)
    P = torch.eye(4)
    x = layer(P=P, q=q)
    x.sum().backward()
    assert x.dtype == q.grad.dtype == torch.float32 and P.grad is None
    assert not layer(P=P, q=q.detach()).requires_grad
    with pytest.raises(RuntimeError, match=r"differentiated twice|once_differentiable"):
        (slope,) = torch.autograd.grad(layer(P=P, q=q).square().sum(), q, create_graph=True)
        slope.sum().backward()


def test_no_gradient_without_a_solution(torch):
    layer = fp.torch_function(fp.quadratic_program, P=np.eye(1), q=[0.0], G=[[1.0], [-1.0]])
    h = leaf(torch, [-1.0, 0.0])
    with pytest.warns(fp.FastpiggyWarning, match="infeasible"):
        x = layer(h=h)
    with pytest.raises(ValueError, match="no solution"):
        x.sum().backward()


@pytest.mark.parametrize(
    ("options", "arguments", "words"),
    [
        ({"X": X, "batch": "X"}, {}, "batch must name arguments of the layer"),
        ({"X": X, "batch": "y", "selection": 1.0}, {}, "selection must be 0 with batch"),
        ({"X": X, "alpha": 0.1}, {"y": Y[0], "X": X}, "X was given to torch_function"),
        ({"X": X, "alpha": 0.1, "batch": "y"}, {}, "y must be given: batch names it"),
        ({"X": X, "batch": ["y", "alpha"]}, {"y": Y, "alpha": np.ones(2)}, "of one length"),
    ],
)
def test_bad_arguments(torch, options, arguments, words):
    with pytest.raises(ValueError, match=words):
        fp.torch_function(fp.lasso, **options)(**arguments)


def test_what_is_no_parameter_has_no_gradient(torch):
    layer = fp.torch_function(lambda width: fp.lasso(width * X, Y[0], 0.1))
    with pytest.raises(ValueError, match="width requires a gradient and is no parameter"):
        layer(width=leaf(torch, 2.0))
    with pytest.raises(TypeError, match="problem must be a problem"):
        fp.torch_function(3)
