"""The bus: what every service does with Kafka, so that no handler has to."""
