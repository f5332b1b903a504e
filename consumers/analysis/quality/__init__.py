"""Communication quality: how agent and customer talk to each other."""
