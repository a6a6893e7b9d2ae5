"""How files get in, whatever they are: the only room where importers and store meet.

    upload route -> desk (a folder, a quota) -┐
    small upload of a page -------------------┼-> reading (a child process with limits) -> imports -> store
    the operator's folder --------------------┘
    cli.py import ---------------------------------------------------------------------> imports -> store

It knows neither Streamlit nor pages: ui asks it, app.py serves its route. START READING at imports.py.
"""
