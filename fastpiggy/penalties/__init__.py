"""Nonsmooth parts: value, prox, and the selection of the prox's Clarke Jacobian."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fastpiggy.penalties.balls import L1Ball, L2Ball, LInf, LInfBall
from fastpiggy.penalties.box import Box
from fastpiggy.penalties.capped_simplex import CappedSimplex
from fastpiggy.penalties.cones import NonnegativeOrthant, SecondOrderCone, ZeroCone
from fastpiggy.penalties.elastic_net import ElasticNet, NonnegativeElasticNet
from fastpiggy.penalties.entropy import Entropy
from fastpiggy.penalties.evaluate import prox
from fastpiggy.penalties.exponential_cone import DualExponentialCone, ExponentialCone
from fastpiggy.penalties.group_l2 import GroupL2
from fastpiggy.penalties.halfspace import Affine, Halfspace
from fastpiggy.penalties.hinge import Hinge
from fastpiggy.penalties.huber_norm import HuberNorm
from fastpiggy.penalties.isotonic import Isotonic
from fastpiggy.penalties.l1 import L1, NonnegativeL1
from fastpiggy.penalties.mcp import MCP
from fastpiggy.penalties.poisson import Poisson
from fastpiggy.penalties.protocol import BlockPenalty, CoordinatePenalty, Penalty
from fastpiggy.penalties.scad import SCAD
from fastpiggy.penalties.simplex import Simplex
from fastpiggy.penalties.softplus import Softplus
from fastpiggy.penalties.sorted_l1 import SortedL1
from fastpiggy.penalties.squared_l2 import SquaredL2
from fastpiggy.penalties.total_variation import TotalVariation

if TYPE_CHECKING:
    from fastpiggy.penalties.cone_product import ConeProduct
    from fastpiggy.penalties.log_det import LogDet
    from fastpiggy.penalties.nuclear_norm import NuclearNorm
    from fastpiggy.penalties.psd_cone import PSDCone

__all__ = [
    "L1",
    "MCP",
    "SCAD",
    "Affine",
    "BlockPenalty",
    "Box",
    "CappedSimplex",
    "ConeProduct",
    "CoordinatePenalty",
    "DualExponentialCone",
    "ElasticNet",
    "Entropy",
    "ExponentialCone",
    "GroupL2",
    "Halfspace",
    "Hinge",
    "HuberNorm",
    "Isotonic",
    "L1Ball",
    "L2Ball",
    "LInf",
    "LInfBall",
    "LogDet",
    "NonnegativeElasticNet",
    "NonnegativeL1",
    "NonnegativeOrthant",
    "NuclearNorm",
    "PSDCone",
    "Penalty",
    "Poisson",
    "SecondOrderCone",
    "Simplex",
    "Softplus",
    "SortedL1",
    "SquaredL2",
    "TotalVariation",
    "ZeroCone",
    "prox",
]

#: Those that need eigenvalues, loaded when they are asked for: LAPACK takes 0.15 s to import.
_SPECTRAL = {
    "ConeProduct": "cone_product", "LogDet": "log_det", "NuclearNorm": "nuclear_norm",
    "PSDCone": "psd_cone",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _SPECTRAL:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_SPECTRAL[name]}"), name)
    globals()[name] = value
    return value
