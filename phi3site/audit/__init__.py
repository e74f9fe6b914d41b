"""WHO DID WHAT, WHEN: the append-only, hash-chained log. A leaf: imports none of our apps."""
