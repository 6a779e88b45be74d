"""Problems that are not ``loss(X x) + penalty(x)``: one folder each, with all that is theirs."""
