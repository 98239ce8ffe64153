"""Processes that do one job after the other for the server, here or on a Dask cluster."""
