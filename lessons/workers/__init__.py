"""Processes that do one job after the other for the server, here or on a Dask cluster."""

GRAPHS_KEPT = 24  # traced graphs that a worker keeps, 9-15 MB each; the oldest is dropped
