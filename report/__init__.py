"""Answers as files to take along, made offline; no Streamlit here.

| file | what |
| --- | --- |
| sections.py | parts of a report: sentence, table, drawing, command |
| case.py | what a report is about: a question with its answer, and the run that measured it |
| grades.py | good or bad, by thresholds that can be edited (data/thresholds.yaml) |
| sections_*.py | what is said of a case: static analysis, measured and predicted, verdicts, inputs |
| html.py | all of it as one file that needs nothing else: START HERE for reports |
| images.py | a chart as PNG, SVG or PDF, drawn in a process of its own |
| tables.py | a table as CSV, XLSX, Parquet or JSON, its question inside |
| note.py | what was assumed, as plain text |
| slides.py | pinned scenarios as a talk |

It draws with charts/ and speaks with words/.
"""
