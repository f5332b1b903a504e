"""Benchmarks: ours beside the peer, in one run."""
