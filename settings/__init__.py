"""What an operator may set: variables of the environment, all in variables.py, and nothing else anywhere.

Everybody above the planner may ask. START READING at variables.py.
"""

from __future__ import annotations

from settings.variables import Settings, settings

__all__ = ["Settings", "settings"]
