"""Every fault that a build must survive, tried with the real command; `python tests/faults/table.py` prints a table."""
