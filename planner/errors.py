"""Every error that a user can cause. All else is a bug and keeps its traceback.

    PlannerError
    ├ CatalogueError     UnknownGpu, UnknownModel, AmbiguousName, BadRow, UnsupportedModel
    ├ ScenarioError      UnsupportedPrecision, InvalidParallelism, InvalidWorkload
    ├ InfeasibleError    InsufficientMemory
    ├ CalibrationError   TooFewPoints, NoElbow, OutsideRange, UnknownCalibration
    ├ ImporterError      UnknownFormat, AmbiguousFormat, MalformedFile, TooLarge, Cancelled, UploadRefused, Quarantined,
    │                    BadPattern
    ├ MeasureError       ToolMissing, ServerFailed, LoadFailed, OtherSession
    ├ StoreError         RunNotFound, SchemaTooNew, DamagedRun, ReadOnly, QuotaExceeded, BadPins, UnknownPins,
    │                    JobNotFound
    ├ ExportError        NotDrawn
    └ BadLink, BadSetting, ClusterError

A message says what is wrong, why, and what to do; it lists the choices and names file, row and field.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PlannerError(Exception):
    """Something that the person asking can put right. Fronts catch this and nothing else."""


class CatalogueError(PlannerError):
    """A name that the catalogue does not hold, or a bad row of it."""


class UnknownGpu(CatalogueError):
    """No GPU of that name."""


class UnknownModel(CatalogueError):
    """No model of that name, and no readable config.json."""


class AmbiguousName(CatalogueError):
    """A name that means more than one thing."""


class BadRow(CatalogueError):
    """A row of a catalogue file that cannot be right."""


class UnsupportedModel(CatalogueError):
    """A config.json whose architecture is not understood well enough to count it."""


class ScenarioError(PlannerError):
    """A question that makes no sense."""


class UnsupportedPrecision(ScenarioError):
    """A number format or quantization that this GPU or model cannot run."""


class InvalidParallelism(ScenarioError):
    """A split over GPUs that vLLM refuses."""


class InvalidWorkload(ScenarioError):
    """Lengths, batch or rate out of range."""


class InfeasibleError(PlannerError):
    """The answer is no."""


class InsufficientMemory(InfeasibleError):
    """The model does not fit."""


class CalibrationError(PlannerError):
    """Measurements that do not say what was asked of them."""


class TooFewPoints(CalibrationError):
    """Fewer values than the answer needs."""


class NoElbow(CalibrationError):
    """A curve that does not bend in the range that was measured."""


class OutsideRange(CalibrationError):
    """Values that do not speak of what was asked."""


class UnknownCalibration(CalibrationError):
    """A name under which no calibration is kept."""


class ImporterError(PlannerError):
    """A file that cannot be imported."""


class UnknownFormat(ImporterError):
    """No importer claims the file."""


class AmbiguousFormat(ImporterError):
    """More than one importer claims the file."""


class MalformedFile(ImporterError):
    """The right kind of file, damaged or incomplete."""


class TooLarge(ImporterError):
    """More than this importer takes."""


class UploadRefused(ImporterError):
    """A file that this server does not take in, or not now."""


class MeasureError(PlannerError):
    """A measurement that could not be made."""


class ToolMissing(MeasureError):
    """A program that is not installed, or too old."""


class ServerFailed(MeasureError):
    """A server that does not start, does not answer or ended."""


class LoadFailed(MeasureError):
    """A load that gave no usable result."""


class OtherSession(MeasureError):
    """A folder that holds the points of another measurement."""


class Cancelled(ImporterError):
    """An import that its user stopped; it left nothing behind."""


class Quarantined(ImporterError):
    """A file that is not read any more, since reading it killed workers."""


class BadPattern(ImporterError):
    """A pattern for kernel names that means nothing, or too much."""


class StoreError(PlannerError):
    """A run that cannot be saved or read back."""


class RunNotFound(StoreError):
    """No run of that id."""


class SchemaTooNew(StoreError):
    """Written by a later version."""


class DamagedRun(StoreError):
    """A folder of the store that is not a whole run."""


class BadPins(StoreError):
    """Pinned scenarios that cannot be read, kept or added."""


class UnknownPins(StoreError):
    """A name under which no pinned scenarios are kept."""


class BadLink(PlannerError):
    """A link whose question this version does not understand."""


class ReadOnly(StoreError):
    """A change in a workspace that is for looking at only."""


class QuotaExceeded(StoreError):
    """A run for which a workspace has no room left."""


class ExportError(PlannerError):
    """A file to take along that could not be made."""


class NotDrawn(ExportError):
    """A chart that did not become a picture."""


class JobNotFound(StoreError):
    """No job of that id."""


class ClusterError(PlannerError):
    """A cluster that cannot be reached."""


class BadSetting(PlannerError):
    """A variable of the environment that cannot be used."""


def nearest(name: str, choices: Iterable[str], count: int = 4) -> str:
    """The choices most like a mistyped name, as text for a message.

    name : what was typed
    choices : all valid names
    count : how many to show

    >>> nearest("h10o-sxm", ["h100-sxm", "t4"])
    'h100-sxm'
    """
    pool = list(choices)
    close = difflib.get_close_matches(name.lower(), pool, n=count, cutoff=0.4)
    return ", ".join(close or pool[:count])
