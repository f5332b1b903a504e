"""The demo recogniser: a 4-million-parameter Whisper (ko, en) trained from nothing on synthetic speech."""
