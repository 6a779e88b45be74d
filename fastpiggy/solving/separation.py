"""Classes that columns without a penalty separate: the logistic loss has no minimum then."""

import numpy as np

from fastpiggy.designs import matrix
from fastpiggy.losses import Logistic
from fastpiggy.solving.linearisation import Linearisation

#: The least margin over the largest that rounding does not explain.
_MARGIN = 1e-8


def separated(point: Linearisation) -> bool:
    """Whether x, where nothing penalises it, has every row of its classes on its own side.

    The loss then falls for ever along x (Albert and Anderson, "On the existence of maximum
    likelihood estimates in logistic regression models", 1984).
    """
    binding = point.binding
    loss, penalty, p = binding.composite.loss, binding.composite.penalty, binding.penalised
    if not isinstance(loss, Logistic) or not hasattr(penalty, "thresholds"):
        return False
    x = point.x.copy()
    if getattr(penalty, "alpha", 0.0) > 0.0:
        held = penalty.weights > 0.0
        x[:p] = 0.0 if getattr(penalty, "l1_ratio", 1.0) < 1.0 else np.where(held, 0.0, x[:p])
    margins = (loss.y * matrix.predict(binding.design, x))[loss.sample_weight > 0.0]
    return bool(margins.min(initial=np.inf) > _MARGIN * margins.max(initial=0.0))
