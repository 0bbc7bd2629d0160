"""Operation journal of a run's writes, the tokens in names, and the records kept beside it."""
