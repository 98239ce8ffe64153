"""Everything of Unmasked that needs no browser: scripts, notebooks and the command line use it. Imports nothing."""
