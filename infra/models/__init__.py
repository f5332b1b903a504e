"""Model profiles that are fetched instead of shipped."""
