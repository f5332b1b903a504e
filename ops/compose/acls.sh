#!/usr/bin/env bash
# Who may write and read which topic. Everything that is not allowed here is refused by the broker.
#
# What was said in a call travels on calls.transcribed, calls.analyzed, their replay lanes and the retry topics and dead
# letters of analysis: no user but the services and the operator reads those. Give other readers calls.analyzed at most.
# tests/unit/test_compose.py compares this table with schemas/topics.py.
set -euo pipefail

allow() { # USER OPERATION TOPIC...
  local user=$1 operation=$2
  shift 2
  acl --allow-principal "User:$user" --operation "$operation" "${@/#/--topic=}"
}

member() { # SERVICE: its consumer group
  acl --allow-principal "User:$1" --operation Read --group "callytics-$1"
}

acl() {
  /opt/kafka/bin/kafka-acls.sh --bootstrap-server kafka:9092 \
    --command-config /run/secrets/kafka_admin.properties --add "$@"
}

allow publisher Write calls.ended

allow transcription Read calls.ended calls.ended.replay
allow transcription Read calls.transcription.retry.30s calls.transcription.retry.5m calls.transcription.retry.1h
allow transcription Write calls.transcribed calls.transcribed.replay calls.transcription.dlq
allow transcription Write calls.transcription.retry.30s calls.transcription.retry.5m calls.transcription.retry.1h
member transcription

allow diarization Read calls.ended calls.ended.replay
allow diarization Read calls.diarization.retry.30s calls.diarization.retry.5m calls.diarization.retry.1h
allow diarization Write calls.diarized calls.diarized.replay calls.diarization.dlq
allow diarization Write calls.diarization.retry.30s calls.diarization.retry.5m calls.diarization.retry.1h
member diarization

allow analysis Read calls.transcribed calls.transcribed.replay calls.diarized calls.diarized.replay
allow analysis Read calls.analysis.retry.30s calls.analysis.retry.5m calls.analysis.retry.1h
allow analysis Write calls.analyzed calls.analysis.dlq
allow analysis Write calls.analysis.retry.30s calls.analysis.retry.5m calls.analysis.retry.1h
member analysis

# Redrives dead letters and replays calls.
acl --allow-principal User:operator --operation Read --operation Write --topic calls. --resource-pattern-type prefixed
acl --allow-principal User:operator --operation Describe --group callytics- --resource-pattern-type prefixed
