"""Commands for whoever runs a server: check, bench, preflight."""
