"""Traces by OpenTelemetry, when ``TRACES_ENDPOINT`` is set: what a request set off, through API, relay and engines.

A trace follows its ``traceparent`` (W3C Trace Context) through the log. Only sampled requests write one there, so a
share of 0.01 costs the other 99 nothing; without an endpoint nothing of OpenTelemetry is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import time_ns
from typing import Any

from runtime.errors import StartupError

_SERVICE = "basecommerce"


class RequestSpan:
    """The span of a request that is sampled; ``traceparent`` is what its events carry."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: Any) -> None:
        self._span = span
        context = span.get_span_context()
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"

    def end(self, name: str, attributes: Mapping[str, str | int], *, failed: bool) -> None:
        """Close it under the name of what was asked for, which is known only now."""
        from opentelemetry.trace import StatusCode

        self._span.update_name(name)
        self._span.set_attributes(attributes)
        if failed:
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class Tracing:
    """The traces of this process."""

    def __init__(self) -> None:
        self._tracer: Any = None
        self._provider: Any = None

    @property
    def is_on(self) -> bool:
        """Whether spans go anywhere; looked at before anything is prepared for one."""
        return self._tracer is not None

    def start(self, endpoint: str, share: float, *, role: str, exporter: Any = None) -> Callable[[], None]:
        """Send spans to an OTLP endpoint over HTTP; returns what sends the last ones and stops.

        ``share`` (0 to 1) of the requests without a parent are sampled. Raises ``StartupError`` without the extra.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
        except ImportError:
            raise StartupError("TRACES_ENDPOINT: needs the extra 'tracing'") from None
        resource = Resource.create({"service.name": _SERVICE, "service.instance.role": role})
        self._provider = TracerProvider(sampler=ParentBasedTraceIdRatio(share), resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=endpoint)))
        self._tracer = self._provider.get_tracer(_SERVICE)
        return self._stop

    def _stop(self) -> None:
        provider, self._tracer, self._provider = self._provider, None, None
        provider.shutdown()

    def request(self, traceparent: str | None) -> RequestSpan | None:
        """Begin the span of a request; None when it is not sampled. ``traceparent`` is believed: pass a trusted one."""
        from opentelemetry.trace import SpanKind

        span = self._tracer.start_span("request", context=_context(traceparent), kind=SpanKind.SERVER)
        return RequestSpan(span) if span.is_recording() else None

    def record(self, name: str, traceparent: str, began_ns: int, attributes: Mapping[str, str | int]) -> None:
        """A span that ends now and began at ``began_ns`` (Unix time): work on an event whose request was sampled."""
        from opentelemetry.trace import SpanKind

        span = self._tracer.start_span(
            name,
            context=_context(traceparent),
            kind=SpanKind.CONSUMER,
            start_time=began_ns,
            attributes=dict(attributes),
        )
        span.end(time_ns())


def _context(traceparent: str | None) -> Any:
    if traceparent is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": traceparent})


TRACING = Tracing()
