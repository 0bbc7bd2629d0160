"""What is known of the pictures that runs test."""
