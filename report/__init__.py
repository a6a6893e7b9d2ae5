"""Answers as files to take along, made offline: pictures, tables, notes and slides. No Streamlit here."""
