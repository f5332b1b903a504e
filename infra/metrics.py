"""Every metric of every service: name, labels, unit. A misspelt one fails the type check."""

from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter(
    "callytics_calls", "Records that a stage ended, by outcome (ok or error code).", ["stage", "outcome"]
)
RETRIES = Counter("callytics_retries", "Attempts that failed and were tried again.", ["stage"])
DOCUMENTS = Counter("callytics_documents", "Documents written, by status.", ["status"])
STALE_DOCUMENTS = Counter("callytics_documents_stale", "Documents that a newer revision had overtaken.")
IN_FLIGHT = Gauge("callytics_in_flight", "Records being worked on.", ["stage"])
PROCESS_SECONDS = Histogram(
    "callytics_process_seconds",
    "Time from taking a record to its answer.",
    ["stage"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800),
)
WAITING_RECORDS = Gauge(
    "callytics_waiting_records",
    "Records of this member's partitions that it has not taken on.",
    ["stage", "lane"],
)
WAITING_AUDIO_SECONDS = Gauge(
    "callytics_waiting_audio_seconds",
    "Audio that waits or is worked on: records times the mean length of calls seen; NaN while no length is known.",
    ["stage"],
)
"""For autoscaling: divided by the real-time factor of an engine it is the time to empty the queue."""
OLDEST_UNFINISHED_SECONDS = Gauge(
    "callytics_oldest_unfinished_seconds",
    "Age of the oldest record in flight; 0 when there is none.",
    ["stage"],
)
BREAKER_OPEN = Gauge("callytics_breaker_open", "1 while too many calls fail and none is taken on.", ["stage"])
STAGE_RESULTS = Counter(
    "callytics_stage_results",
    "Calls whose answer a stage looked up before working on them: hit, miss or unavailable.",
    ["stage", "outcome"],
)
AUDIO_SECONDS = Counter("callytics_audio_seconds", "Audio that went through an engine.", ["stage"])
ENGINE_MEMORY = Gauge("callytics_engine_memory_bytes", "Resident memory of the engine's process.", ["stage"])
"""Set on scrape by the health endpoint."""
GPU_FREE = Gauge(
    "callytics_gpu_free_bytes", "Free memory of the GPU after a call; absent on a CPU.", ["stage"]
)
