"""The only room that opens our own Parquet: runs on a local folder, or on an object store.

    root/<run id>/run.parquet              one row: who measured what, settings, summary, notes
                  points.parquet           measured values
                  kernel_summary.parquet   launches and time per kernel and device
                  tables/<name>.parquet    the run's tables
                  choices.json             GPU and model that a person confirmed; written later, the rest never again
    root/<kind>/<name>.json                what a person keeps under a name: calibrations, pinned scenarios (notes.py)
    root/index.parquet                     the heads of all runs, a cache

An object store keeps the same files under other names (objects.py). START READING at runs.py.
"""

from __future__ import annotations

from store.choices import Choice
from store.runs import Store, default_root

__all__ = ["Choice", "Store", "default_root"]
