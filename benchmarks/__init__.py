"""One file per measured claim; each prints a table and a ratio."""
