"""Recordings: where they may come from, how they are decoded, what their channels hold."""
