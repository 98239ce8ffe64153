"""A learner's own file: read into columns, what each column is for, and the table that a run takes of it."""
