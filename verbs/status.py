"""Exit statuses of the terminal."""

DONE = 0
NO_ANSWER = 1
"""The question was understood, and the answer is no."""
BAD_QUESTION = 2
"""The question cannot be asked, or a file was refused."""
