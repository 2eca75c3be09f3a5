"""What to paste where an agent runs, so that its traces come here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Snippet:
    """One way to send. ``id`` names its tab."""

    id: str
    title: str
    file: str
    before: str
    text: str


ENVIRONMENT = """OTEL_EXPORTER_OTLP_ENDPOINT={base}
OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
OTEL_EXPORTER_OTLP_HEADERS=x-api-key={key}
OTEL_SERVICE_NAME=my-agent
"""

PYTHON = """from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

exporter = OTLPSpanExporter(
    endpoint="{base}/v1/traces",
    headers={{"x-api-key": "{key}"}},
)
provider = TracerProvider(resource=Resource.create({{"service.name": "my-agent"}}))
provider.add_span_processor(BatchSpanProcessor(exporter))
trace.set_tracer_provider(provider)

# Your framework's instrumentation uses the provider from here on. By hand it is:
with trace.get_tracer("my-agent").start_as_current_span("invoke_agent my-agent") as span:
    span.set_attribute("gen_ai.operation.name", "invoke_agent")
    span.set_attribute("gen_ai.agent.name", "my-agent")
provider.shutdown()  # sends what is left
"""

JAVASCRIPT = """import {{ NodeSDK }} from "@opentelemetry/sdk-node";
import {{ OTLPTraceExporter }} from "@opentelemetry/exporter-trace-otlp-proto";
import {{ trace }} from "@opentelemetry/api";

const sdk = new NodeSDK({{
  serviceName: "my-agent",
  traceExporter: new OTLPTraceExporter({{
    url: "{base}/v1/traces",
    headers: {{ "x-api-key": "{key}" }},
  }}),
}});
sdk.start();

// Your framework's instrumentation uses the SDK from here on. By hand it is:
trace.getTracer("my-agent").startActiveSpan("invoke_agent my-agent", (span) => {{
  span.setAttribute("gen_ai.operation.name", "invoke_agent");
  span.setAttribute("gen_ai.agent.name", "my-agent");
  span.end();
}});
await sdk.shutdown(); // sends what is left
"""

COLLECTOR = """exporters:
  otlphttp/agenticbuilder:
    endpoint: {base}
    headers:
      x-api-key: {key}

service:
  pipelines:
    traces:
      receivers: [otlp]
      processors: [batch]
      exporters: [otlphttp/agenticbuilder]

receivers:
  otlp:
    protocols:
      http:

processors:
  batch:
"""

PIP = "pip install opentelemetry-sdk opentelemetry-exporter-otlp-proto-http"
NPM = "npm install @opentelemetry/api @opentelemetry/sdk-node @opentelemetry/exporter-trace-otlp-proto"


def snippets(base_url: str, api_key: str) -> list[Snippet]:
    """The four ways, filled in. The key is in ``x-api-key``: a value without a blank survives every SDK's parser."""
    words = {"base": base_url.rstrip("/"), "key": api_key}
    return [
        Snippet("environment", "Environment", ".env", "", ENVIRONMENT.format(**words)),
        Snippet("python", "Python", "tracing.py", PIP, PYTHON.format(**words)),
        Snippet("javascript", "JavaScript", "tracing.mjs", NPM, JAVASCRIPT.format(**words)),
        Snippet("collector", "Collector", "collector.yaml", "", COLLECTOR.format(**words)),
    ]
