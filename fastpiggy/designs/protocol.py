"""The protocols of a design: the matrix X in its storage, and the passes over it."""

from fastpiggy.compile import protocol


@protocol
class Design:
    """A matrix of n rows and p columns.

    Passes use the first p entries of `x` and of each row of `J`: wrappers own the rest.
    """

    def gradient(self, loss, d, dX, x, J, m, s, r, S, R, g, G):
        """Move the states and take the gradient, for x and m tangents, in one pass.

        ``s += X x``, ``S_k += X J_k + dX_k x``; ``r = f'(s)`` with its tangents ``R_k``;
        ``g = X'r``, ``G_k = X'R_k + dX_k'r``.
        """

    def free(self):
        """Number of trailing coordinates that belong to no column: the intercept, or none."""
        return 0


@protocol
class Columns(Design):
    """A design whose columns are contiguous, which is what descent by coordinates asks for.

    `shift` is subtracted from every entry of the column, so that a centred column needs no copy.
    """

    def dot(self, j, shift, r):
        """``(X_j - shift)' r``."""

    def column(self, j, out):
        """Write X_j into a dense vector."""

    def correlate(self, shift, r, c):
        """``c = (X - 1 shift')' r``, one pass."""

    def advance(self, j, shift, c, C, m, loss, d, dX, s, r, S, R):
        """Let x_j grow by c and J_kj by C_k: states and slopes follow.

        ``s += c X_j``, ``S_k += C_k X_j + c dX_kj``, then r and R_k on the rows that moved.  Where
        the loss is quadratic and neither it nor X moves, r and R follow and s and S need not.
        """


@protocol
class Direction:
    """m directions along which the entries of X move."""

    def moves(self):
        """False where X is held."""

    def predict(self, k, i, x):
        """``dX_k[i] x``."""

    def scatter(self, k, i, r, g):
        """``g += r dX_k[i]``."""

    def dot(self, k, j, r):
        """``dX_k[:, j]' r``."""

    def axpy(self, k, j, c, s):
        """``s += c dX_k[:, j]``."""
