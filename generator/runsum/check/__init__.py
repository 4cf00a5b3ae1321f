"""A built site before it is published: its links, what it loads, its size, and what was redacted."""
