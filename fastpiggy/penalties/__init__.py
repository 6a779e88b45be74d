"""Nonsmooth parts: value, prox, and the selection of the prox's Clarke Jacobian."""

from fastpiggy.penalties.box import Box
from fastpiggy.penalties.elastic_net import ElasticNet
from fastpiggy.penalties.group_l2 import GroupL2
from fastpiggy.penalties.l1 import L1, NonnegativeL1
from fastpiggy.penalties.mcp import MCP
from fastpiggy.penalties.protocol import BlockPenalty, CoordinatePenalty, Penalty
from fastpiggy.penalties.scad import SCAD
from fastpiggy.penalties.simplex import Simplex
from fastpiggy.penalties.squared_l2 import SquaredL2
from fastpiggy.penalties.total_variation import TotalVariation

__all__ = [
    "L1",
    "MCP",
    "SCAD",
    "BlockPenalty",
    "Box",
    "CoordinatePenalty",
    "ElasticNet",
    "GroupL2",
    "NonnegativeL1",
    "Penalty",
    "Simplex",
    "SquaredL2",
    "TotalVariation",
]
