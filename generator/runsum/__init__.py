"""A static, searchable archive made of a database of reinforcement-learning training runs."""

__version__ = "0.1.0"
