"""The search for alpha on a signal, whose criteria jump: from knot to knot around the best.

Between two knots of the path x is linear in alpha and its degrees of freedom stay, so that SURE,
GCV and the information criteria rise with alpha there and are least at a piece's lower end, beside
a jump.  The certificate's margin says where that is.
"""

from collections.abc import Callable
from typing import Any

from fastpiggy.criteria.evaluation import Evaluation

#: The walk ends where the criterion has risen by this share of what the best gained over the worst.
_RISEN = 0.3
#: How far beside a knot to look, over alpha.
_BESIDE = 1e-8


def walk(
    evaluate: Callable[[float], Evaluation], seen: list[Evaluation], low: float, high: float,
    most: int,
) -> tuple[float, float] | None:  # fmt: skip
    """Evaluate every piece below and above the best one until the criterion has risen.

    Parameters
    ----------
    evaluate : callable
        From alpha to an evaluation of one solve.
    seen : list of Evaluation
        Not empty.
    low, high : float
        The range of alpha.
    most : int
        Evaluations at the most.

    Returns
    -------
    tuple of float or None
        From where to where every piece was seen; None where the solutions have no margin.
    """
    best, worst = min(seen, key=_value), max(seen, key=_value)
    begin, least, used = best, best.value, 0
    reached: dict[int, float] = {}
    for side in (-1, 1):
        at, share = begin, most // 2 if side < 0 else most
        while used < share:
            margin = at.solutions[0].certificate.margin
            if margin is None:
                return None
            alpha = float(at.params["alpha"])
            end = alpha - margin[0] if side < 0 else alpha + margin[1]
            reached[side] = min(max(end, low), high)
            lowest = at.value - float(at.gradient["alpha"]) * margin[0]
            if side < 0 and lowest < least and low < end < (1 - 2 * _BESIDE) * alpha:
                used += 1
                least = min(least, evaluate((1 + _BESIDE) * end).value)
            following = (1 + side * _BESIDE) * end
            if not low < following < high:
                break
            used += 1
            at = evaluate(following)
            least = min(least, at.value)
            if at.value - least > _RISEN * (worst.value - least):
                break
    return reached.get(-1, float(begin.params["alpha"])), reached.get(1, high)


def _value(found: Evaluation) -> Any:
    return found.value
