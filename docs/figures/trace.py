"""Steps of forward-backward on the Lasso, of its iterates and of their tangents."""

import example

import fastpiggy as fp

problem, X = example.make()
sol = fp.solve(
    problem, wrt="alpha", algorithm="forward_backward", derivative="piggyback", trace=True
)
display = fp.plots.TraceDisplay.from_solution(sol)
