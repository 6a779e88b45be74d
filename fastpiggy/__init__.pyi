# The public names and where they live: read by type checkers, and by __init__.py itself.
from fastpiggy import algorithms as algorithms
from fastpiggy import criteria as criteria
from fastpiggy import datasets as datasets
from fastpiggy import designs as designs
from fastpiggy import diffcp as diffcp
from fastpiggy import estimators as estimators
from fastpiggy import implicit as implicit
from fastpiggy import losses as losses
from fastpiggy import penalties as penalties
from fastpiggy import plots as plots
from fastpiggy import problems as problems
from fastpiggy import structured as structured
from fastpiggy._version import __version__ as __version__
from fastpiggy.certificate import Certificate as Certificate
from fastpiggy.certificate import FastpiggyWarning as FastpiggyWarning
from fastpiggy.certificate import Status as Status
from fastpiggy.checking import GradientCheck as GradientCheck
from fastpiggy.checking import ParameterCheck as ParameterCheck
from fastpiggy.checking import check_gradient as check_gradient
from fastpiggy.compile import record as record
from fastpiggy.criteria import Aic as Aic
from fastpiggy.criteria import Bic as Bic
from fastpiggy.criteria import CrossVal as CrossVal
from fastpiggy.criteria import Ebic as Ebic
from fastpiggy.criteria import Evaluation as Evaluation
from fastpiggy.criteria import Gcv as Gcv
from fastpiggy.criteria import HeldOut as HeldOut
from fastpiggy.criteria import Sure as Sure
from fastpiggy.layers import torch_function as torch_function
from fastpiggy.problems import Problem as Problem
from fastpiggy.problems import elastic_net as elastic_net
from fastpiggy.problems import from_C as from_C
from fastpiggy.problems import from_glmnet as from_glmnet
from fastpiggy.problems import group_lasso as group_lasso
from fastpiggy.problems import huber as huber
from fastpiggy.problems import lasso as lasso
from fastpiggy.problems import logistic as logistic
from fastpiggy.problems import ridge as ridge
from fastpiggy.problems import squared_hinge as squared_hinge
from fastpiggy.solution import Solution as Solution
from fastpiggy.solving import solve as solve
from fastpiggy.solving.attractor import attractor as attractor
from fastpiggy.solving.differentiate import differentiate as differentiate
from fastpiggy.solving.many import solve_many as solve_many
from fastpiggy.solving.momentum import certify_momentum as certify_momentum
from fastpiggy.solving.options import ADMM as ADMM
from fastpiggy.solving.options import FISTA as FISTA
from fastpiggy.solving.options import ActiveSet as ActiveSet
from fastpiggy.solving.options import BlockDescent as BlockDescent
from fastpiggy.solving.options import CoordinateDescent as CoordinateDescent
from fastpiggy.solving.options import DouglasRachford as DouglasRachford
from fastpiggy.solving.options import DynamicProgramming as DynamicProgramming
from fastpiggy.solving.options import ForwardBackward as ForwardBackward
from fastpiggy.solving.options import HeavyBall as HeavyBall
from fastpiggy.solving.options import Nesterov as Nesterov
from fastpiggy.solving.options import Newton as Newton
from fastpiggy.solving.options import PeacemanRachford as PeacemanRachford
from fastpiggy.solving.solutions import Solutions as Solutions
from fastpiggy.solving.targets import TargetSolutions as TargetSolutions
from fastpiggy.structured.cone_program import ConeProgram as ConeProgram
from fastpiggy.structured.cone_program import ConeSolution as ConeSolution
from fastpiggy.structured.cone_program import cone_program as cone_program
from fastpiggy.structured.equilibrium import Equilibrium as Equilibrium
from fastpiggy.structured.equilibrium import MonotoneWeights as MonotoneWeights
from fastpiggy.structured.equilibrium import equilibrium as equilibrium
from fastpiggy.structured.equilibrium import monotone_weights as monotone_weights
from fastpiggy.structured.fixed_point import FixedPoint as FixedPoint
from fastpiggy.structured.fixed_point import heavy_ball_counterexample as heavy_ball_counterexample
from fastpiggy.structured.fixed_point import piggyback as piggyback
from fastpiggy.structured.generalized_lasso import GeneralizedLasso as GeneralizedLasso
from fastpiggy.structured.generalized_lasso import generalized_lasso as generalized_lasso
from fastpiggy.structured.quadratic_program import QuadraticProgram as QuadraticProgram
from fastpiggy.structured.quadratic_program import quadratic_program as quadratic_program
from fastpiggy.structured.sparse_inverse_covariance import (
    SparseInverseCovariance as SparseInverseCovariance,
)
from fastpiggy.structured.sparse_inverse_covariance import (
    sparse_inverse_covariance as sparse_inverse_covariance,
)
from fastpiggy.structured.support_vectors import SupportVectors as SupportVectors
from fastpiggy.structured.support_vectors import (
    support_vector_machine as support_vector_machine,
)
from fastpiggy.structured.support_vectors import (
    support_vector_regression as support_vector_regression,
)
from fastpiggy.structured.trend_filter import TrendFilter as TrendFilter
from fastpiggy.structured.trend_filter import trend_filter as trend_filter
from fastpiggy.tuning import SearchStatus as SearchStatus
from fastpiggy.tuning import TuneResult as TuneResult
from fastpiggy.tuning import alpha_range as alpha_range
from fastpiggy.tuning import tune as tune
from fastpiggy.tuning.curve import Curve as Curve
from fastpiggy.tuning.curve import SteppedCurve as SteppedCurve
from fastpiggy.tuning.noise import noise_level as noise_level
from fastpiggy.tuning.outer import OuterEstimate as OuterEstimate
from fastpiggy.tuning.smooth_curve import SmoothCurve as SmoothCurve
from fastpiggy.tuning.targets import TargetsResult as TargetsResult
from fastpiggy.tuning.targets import tune_many as tune_many
