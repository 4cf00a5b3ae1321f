"""The Content-Security-Policy of a built site: what its pages run themselves, and what nobody else may add."""
