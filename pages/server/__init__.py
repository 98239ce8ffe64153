"""The server around the pages: start and end, headers, compression, routes, the database."""
