"""The three services.

calls.ended ──┬──▶ transcription ──▶ calls.transcribed ──┐
              └──▶ diarization   ──▶ calls.diarized    ──┴─▶ analysis ──▶ one document a call, calls.analyzed

Each is its own process and consumer group with the same shape: ``__main__`` (composition root), ``settings``,
``service`` (events in, events out; knows no Kafka) and ``engine`` (the model behind a small protocol).
"""
