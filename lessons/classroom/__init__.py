"""Learners' progress and rooms, in a database that several server processes share."""
