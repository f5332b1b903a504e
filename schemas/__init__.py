"""The contract with the outside: Avro schemas, typed records, the topic table, the wire codec. No I/O."""
