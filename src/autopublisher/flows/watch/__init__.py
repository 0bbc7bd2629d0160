"""Account watch: the checks of each ad account, apart from any run."""
