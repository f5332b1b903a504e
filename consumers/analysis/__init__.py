"""Analysis: consumes calls.transcribed and calls.diarized, stores documents, emits calls.analyzed."""
