"""What several tests share: machines to drive, an installation to kill, a command line to type into."""
