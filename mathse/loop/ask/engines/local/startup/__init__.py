"""A folder for the PYTHONPATH of processes that this package does not start itself."""
