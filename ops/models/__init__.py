"""The demo models, the sample calls and the scripts that make both again from nothing."""
