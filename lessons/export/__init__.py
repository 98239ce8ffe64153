"""A run to take home: as a script, a notebook, tables or a page of figures."""
