"""One file, one lesson. `_template.py` is the one to copy."""
