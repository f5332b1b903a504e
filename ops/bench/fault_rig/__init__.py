"""The pipeline with engines that only take time, on real servers, and an oracle: for faults at any scale."""
