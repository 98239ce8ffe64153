"""The parts of the clinic's page."""
