"""The floor: what a request costs that a bare Django view answers, in the example project."""
