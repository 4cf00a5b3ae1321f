"""Published numbers that results are held against: data with their source, and nothing else."""
