"""Diarization: consumes calls.ended, emits calls.diarized."""
