"""The HTTP API: what is open, who has it in hand, and signed links; every operation is a record in Kafka."""
