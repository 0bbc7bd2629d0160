"""What a face shows of the product, shared by the API, the command line and the dashboard."""
