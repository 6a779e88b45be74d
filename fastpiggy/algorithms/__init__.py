"""Fused steps, one algorithm a file, and the engine that drives them all."""
