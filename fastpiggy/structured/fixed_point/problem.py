"""The fixed point of a map that a user has written."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from fastpiggy.compile import roles
from fastpiggy.problems import checks


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """``x = F(x, theta)``; see :func:`fastpiggy.piggyback`, which makes and solves it.

    Parameters
    ----------
    step : callable or Map
        ``step(x, theta)``, or ``step(x, theta, k)`` where the iteration number k matters.
    x0 : ndarray
        Where to start; of any shape.
    theta : float, ndarray or dict of them
    step_tangent : callable, optional
        ``step_tangent(x, theta, dx, dtheta)`` is ``A dx + B dtheta``.
    jacobian : callable, optional
        ``jacobian(x, theta)`` is the pair ``A, B``.
    """

    step: Any
    x0: np.ndarray
    theta: Any
    step_tangent: Callable[..., Any] | None = None
    jacobian: Callable[..., Any] | None = None
    #: The module of :mod:`fastpiggy.solving` that solves problems of this kind.
    family: ClassVar[str] = "structured"

    def system(self) -> Any:
        """What :func:`fastpiggy.solve` works with."""
        from fastpiggy.structured.fixed_point.system import System

        return System(self)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of x."""
        return self.x0.shape

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of everything that a derivative can be taken with respect to."""
        return self.theta if isinstance(self.theta, dict) else {"theta": self.theta}

    @property
    def compiled(self) -> bool:
        """Whether the map is a record of :class:`~fastpiggy.algorithms.fixed_point.Map`."""
        return "Map" in roles(self.step)

    @cached_property
    def counted(self) -> bool:
        """Whether the map takes the iteration number."""
        return not self.compiled and len(inspect.signature(self.step).parameters) == 3

    @property
    def differentiable(self) -> bool:
        """Whether a tangent was given."""
        return self.compiled or self.step_tangent is not None or self.jacobian is not None

    def replace(self, **changes: Any) -> "FixedPoint":
        """The same map with other values of some parameters, or another ``x0``."""
        x0 = changes.pop("x0", self.x0)
        checks.parameters(changes, [*self.parameters, "x0"])
        dicts = isinstance(self.theta, dict)
        theta = {**self.theta, **changes} if dicts else changes.get("theta", self.theta)
        for name, value in self.parameters.items():
            if name in changes and np.shape(changes[name]) != np.shape(value):
                raise ValueError(
                    f"{name} must keep its shape {np.shape(value)}, got {np.shape(changes[name])}"
                )
        return replace(self, x0=_finite(x0, "x0"), theta=_theta(theta))

    @cached_property
    def flat_theta(self) -> np.ndarray:
        """The entries of all parameters, one after the other."""
        parts = [np.ravel(value) for value in self.parameters.values()]
        return np.concatenate(parts) if parts else np.zeros(0)

    def entries_of(self, name: str) -> slice:
        """Where a parameter stands in `flat_theta`."""
        at = 0
        for other, value in self.parameters.items():
            if other == name:
                break
            at += np.size(value)
        return slice(at, at + np.size(self.parameters[name]))

    def split(self, flat: np.ndarray) -> dict[str, Any]:
        """Entries of all parameters by name, each in the shape of the parameter."""
        return {
            name: _shaped(flat[self.entries_of(name)], np.shape(value))
            for name, value in self.parameters.items()
        }

    def next(self, x: np.ndarray, k: int) -> np.ndarray:
        """``F(x, theta)`` at a flat x, k the number of the iteration."""
        found = self.step(_shaped(x, self.x0.shape), self.theta, *self._counted(k))
        return self._flat(found, "step")

    def tangents(self, x: np.ndarray, J: np.ndarray, D: np.ndarray, k: int) -> np.ndarray:
        """``A J + B D`` at a flat x, one direction a row."""
        at, count = _shaped(x, self.x0.shape), self._counted(k)
        if self.jacobian is not None:
            A, B = self.jacobian(at, self.theta, *count)
            if isinstance(B, Mapping):
                B = np.hstack([np.reshape(B[n], (x.size, -1)) for n in self.parameters])
            B = np.reshape(B, (x.size, -1))
            if np.shape(A) != (x.size, x.size) or B.shape[1] != D.shape[1]:
                raise ValueError(
                    f"jacobian must return A of shape {(x.size, x.size)} and B of shape "
                    f"{(x.size, D.shape[1])}, got {np.shape(A)} and {B.shape}"
                )
            return np.ascontiguousarray((A @ J.T + B @ D.T).T)
        assert self.step_tangent is not None
        found = np.empty_like(J)
        for row, dx, flat in zip(found, J, D, strict=True):
            parts = self.split(flat)
            dtheta = parts if isinstance(self.theta, dict) else parts["theta"]
            out = self.step_tangent(at, self.theta, _shaped(dx, self.x0.shape), dtheta, *count)
            row[:] = self._flat(out, "step_tangent")
        return found

    def _counted(self, k: int) -> tuple[int, ...]:
        return (k,) if self.counted else ()

    def _flat(self, found: Any, name: str) -> np.ndarray:
        if np.shape(found) != self.x0.shape:
            raise ValueError(
                f"{name} must return an array of x's shape {self.x0.shape}, got {np.shape(found)}"
            )
        return np.ravel(checks.array(found, f"what {name} returns"))


def _shaped(flat: np.ndarray, shape: tuple[int, ...]) -> Any:
    """In the user's form, and not to be changed by the user's functions."""
    if not shape:
        return float(flat[0])
    found = flat.reshape(shape)
    found.flags.writeable = False
    return found


def fixed_point(
    step: Any, x0: Any, theta: Any, step_tangent: Any = None, jacobian: Any = None
) -> FixedPoint:
    """The checked problem ``x = F(x, theta)``; arguments as in :func:`fastpiggy.piggyback`."""
    for name, function in (("step_tangent", step_tangent), ("jacobian", jacobian)):
        if function is not None and not callable(function):
            raise TypeError(f"{name} must be callable, got {function!r}")
    if step_tangent is not None and jacobian is not None:
        raise ValueError("give step_tangent or jacobian, not both")
    made = FixedPoint(step, _finite(x0, "x0"), _theta(theta), step_tangent, jacobian)
    if made.compiled:
        if step_tangent is not None or jacobian is not None:
            raise ValueError(
                f"{type(step).__name__} is a Map and has its step_tangent as a method: leave "
                "step_tangent and jacobian out"
            )
    elif not callable(step):
        raise TypeError(f"step must be callable or a record of the role Map, got {step!r}")
    elif len(inspect.signature(step).parameters) not in (2, 3):
        raise TypeError(
            f"step must take (x, theta) or (x, theta, k), got {inspect.signature(step)}"
        )
    return made


def _theta(theta: Any) -> Any:
    if isinstance(theta, Mapping):
        bad = [n for n in theta if not isinstance(n, str) or n in ("x0", "step")]
        if bad:
            raise ValueError(f"names in theta must be text, not 'x0' or 'step', got {bad[0]!r}")
        return {name: _parameter(value, name) for name, value in theta.items()}
    return _parameter(theta, "theta")


def _parameter(value: Any, name: str) -> Any:
    found = _finite(value, name)
    return found if found.ndim else float(found)


def _finite(value: Any, name: str) -> np.ndarray:
    found = np.array(checks.array(value, name))
    if not found.size:
        raise ValueError(f"{name} must have at least one entry, got shape {found.shape}")
    if not np.all(np.isfinite(found)):
        raise ValueError(f"{name} must be finite, got {found[~np.isfinite(found)][0]}")
    found.flags.writeable = False
    return found
