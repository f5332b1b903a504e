"""Personal data: found in the words of a call and replaced before any other analysis sees them."""
