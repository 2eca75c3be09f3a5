"""From OTLP bodies to executions: decode, read the spans, map a trace, store it."""
