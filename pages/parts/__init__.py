"""Parts that several pages use: charts, findings, addresses, quoting."""
