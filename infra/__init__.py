"""Python adapters shared by every service and producer: bus, store, audio, engines, telemetry, settings."""
