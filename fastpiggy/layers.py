"""Problems as layers of a network: PyTorch's autograd around a solve and its adjoint."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from fastpiggy.problems import checks
from fastpiggy.solving import solve
from fastpiggy.solving.many import solve_many


def torch_function(
    problem: Any, *, batch: str | Iterable[str] = (), tol: float = 1e-9, selection: float = 0.0,
    n_jobs: int = 1, **fixed: Any,
) -> Callable[..., Any]:  # fmt: skip
    """A problem as a function of PyTorch tensors: solved forward, one adjoint solve backward.

    Needs the extra ``fastpiggy[torch]``, which nothing else does.

    Parameters
    ----------
    problem : callable or problem
        What makes a problem of keyword arguments, such as :func:`fastpiggy.quadratic_program` or
        a function of one's own; or a problem, some parameters of which will be replaced.
    batch : str or iterable of str, default=()
        Arguments whose leading axis runs over problems, each of which is made and solved.  None for
        quadratic programs and equilibria, which take leading axes themselves.
    tol : float, default=1e-9
        As in :func:`fastpiggy.solve`.
    selection : float, default=0.0
        As in :func:`fastpiggy.solve`; must be 0 with `batch`.
    n_jobs : int, default=1
        Threads over the problems of a batch.
    **fixed
        Arguments that stay, in any form that the problem takes.

    Returns
    -------
    callable
        ``layer(**arguments)`` returns x, of the shape of the solution with a leading axis for a
        batch; the pair x, intercept where one is fitted.  Tensors among the arguments that require
        a gradient must have the name of a parameter of the problem.  Everything is computed on the
        CPU in double precision; results have the type and the device of the tensors.

    Raises
    ------
    ImportError
        Without PyTorch.
    ValueError, TypeError
        For arguments that are not allowed, those of `layer` included.

    Warns
    -----
    FastpiggyWarning
        At each call of `layer` whose status is not ``"converged"``.  A problem without a solution
        has no gradient either: the backward pass raises.

    Examples
    --------
    >>> import fastpiggy as fp
    >>> import torch  # doctest: +SKIP
    >>> layer = fp.torch_function(fp.lasso, X=[[2.0, 0.0], [0.0, 1.0]])  # doctest: +SKIP
    >>> alpha = torch.tensor(0.1, requires_grad=True)  # doctest: +SKIP
    >>> layer(y=torch.tensor([1.0, 2.0]), alpha=alpha).sum().backward()  # doctest: +SKIP
    >>> alpha.grad  # doctest: +SKIP
    tensor(-2.5000)
    """
    function = _function()
    make = problem if callable(problem) else getattr(problem, "replace", None)
    if make is None:
        raise TypeError(
            "problem must be a problem, or a callable that makes one of keyword arguments, got "
            f"{type(problem).__name__}"
        )
    names = (batch,) if isinstance(batch, str) else tuple(batch)
    tol = checks.number(tol, "tol", open_low=True)
    both = sorted(set(names) & set(fixed))
    if both:
        raise ValueError(f"batch must name arguments of the layer, and {both[0]!r} stays")
    if names and selection != 0.0:
        raise ValueError(f"selection must be 0 with batch, got {selection!r}")

    def layer(**arguments: Any) -> Any:
        twice = sorted(set(arguments) & set(fixed))
        if twice:
            raise ValueError(f"{twice[0]} was given to torch_function already, and stays")
        missing = sorted(set(names) - set(arguments))
        if missing:
            raise ValueError(f"{missing[0]} must be given: batch names it")
        tensors = {k: v for k, v in arguments.items() if _is_tensor(v)}
        rest = {**fixed, **{k: v for k, v in arguments.items() if k not in tensors}}

        def run(values: dict[str, np.ndarray]) -> _Run:
            return _Run(make, {**rest, **values}, names, tol, selection, n_jobs)

        found: tuple[Any, Any] = function.apply(run, tuple(tensors), *tensors.values())
        return found[0] if found[1] is None else found

    return layer


class _Run:
    """One forward pass: the solutions, and what is needed to go back."""

    def __init__(
        self, make: Callable[..., Any], values: dict[str, Any], batch: tuple[str, ...], tol: float,
        selection: float, n_jobs: int,
    ) -> None:  # fmt: skip
        self.batch = batch
        if not batch:
            sol = solve(make(**values), tol=tol, selection=selection)
            self.solutions, self.x, self.intercept = [sol], sol.x, np.array(sol.intercept)
        else:
            many = _length({name: values[name] for name in batch})
            problems = [
                make(**{k: v[i] if k in batch else v for k, v in values.items()})
                for i in range(many)
            ]
            self.solutions = list(solve_many(problems, tol=tol, n_jobs=n_jobs))
            self.x = np.stack([sol.x for sol in self.solutions])
            self.intercept = np.array([sol.intercept for sol in self.solutions])
        self.problem = self.solutions[0].problem
        self.fitted = bool(getattr(self.problem, "fit_intercept", False))

    def check(self, names: list[str]) -> None:
        """Raise where a tensor wants a gradient that there is not."""
        known = {*self.problem.parameters, *(["X"] if hasattr(self.problem, "design") else [])}
        for name in names:
            if name not in known:
                allowed = ", ".join(map(repr, sorted(known)))
                raise ValueError(
                    f"{name} requires a gradient and is no parameter of the problem ({allowed}); "
                    "give it detached, or name the argument as the parameter"
                )

    def back(self, v: np.ndarray, intercept: np.ndarray, names: list[str]) -> dict[str, Any]:
        """The gradients of the named arguments."""
        if not self.batch:
            return self.solutions[0].vjp(v, float(intercept), names)
        parts = [sol.vjp(v[i], float(intercept[i]), names) for i, sol in enumerate(self.solutions)]
        joined: dict[str, Any] = {}
        for name in names:
            values = [part[name] for part in parts]
            joined[name] = np.stack(values) if name in self.batch else np.sum(values, axis=0)
        return joined


def _length(values: dict[str, Any]) -> int:
    sizes = {name: len(value) if np.ndim(value) else 0 for name, value in values.items()}
    if len(set(sizes.values())) > 1 or 0 in sizes.values():
        raise ValueError(f"arguments of batch must have leading axes of one length, got {sizes}")
    return next(iter(sizes.values()))


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


@cache
def _function() -> Any:
    """The autograd function; made when it is asked for, so that nothing else imports torch."""
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "fastpiggy.torch_function needs PyTorch: pip install 'fastpiggy[torch]'"
        ) from error
    from torch.autograd.function import once_differentiable

    class Solve(torch.autograd.Function):
        """``x`` and the intercept (None where none is fitted) of the problem that `run` makes."""

        @staticmethod
        def forward(ctx: Any, run: Any, names: tuple[str, ...], *tensors: Any) -> Any:
            arrays = {
                k: t.detach().cpu().numpy().astype(float)
                for k, t in zip(names, tensors, strict=True)
            }
            ctx.run = found = run({k: a[()] for k, a in arrays.items()})
            ctx.names, ctx.like = names, [(t.shape, t.dtype, t.device) for t in tensors]
            wanted = ctx.needs_input_grad[2:]
            ctx.wanted = [k for k, wants in zip(names, wanted, strict=True) if wants]
            found.check(ctx.wanted)
            kind = [t for t in tensors if t.is_floating_point()][:1]
            dtype, device = (kind[0].dtype, kind[0].device) if kind else (torch.float64, "cpu")

            def out(value: np.ndarray) -> Any:
                return torch.tensor(value, dtype=dtype, device=device)

            return out(found.x), out(found.intercept) if found.fitted else None

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, v: Any, intercept: Any) -> Any:
            run = ctx.run
            v = v.detach().cpu().numpy().astype(float)
            b = np.zeros(run.intercept.shape) if intercept is None else (
                intercept.detach().cpu().numpy().astype(float)
            )  # fmt: skip
            gradients = run.back(v, b, ctx.wanted)
            found = []
            for name, (shape, dtype, device) in zip(ctx.names, ctx.like, strict=True):
                g = None
                if name in gradients:
                    value = np.reshape(gradients[name], shape)
                    g = torch.tensor(value, dtype=dtype, device=device)
                found.append(g)
            return (None, None, *found)

    return Solve
