"""The ``callytics`` command line."""
