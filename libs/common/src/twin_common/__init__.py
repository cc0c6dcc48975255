"""What two services of LLM Twin must agree on, and nothing else."""
