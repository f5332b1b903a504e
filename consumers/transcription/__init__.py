"""Transcription: consumes calls.ended, emits calls.transcribed."""
