"""A QUESTION BECOMES A CITED ANSWER: experts, the engine, answers, citations and receipts."""
