"""Every port in memory: honest enough for the product's tests, and free of anything to install or clean up."""
