import {
  type Attributes,
  type Context,
  context,
  ProxyTracerProvider,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { version } from './version.ts'

export type { Span } from '@opentelemetry/api'

/** How a span begins. */
export type SpanStart = {
  readonly kind?: 'internal' | 'server' | 'client'
  readonly attributes?: Attributes
  /** Headers of a request whose trace the span continues. Without them it is a child of the current span. */
  readonly from?: Readonly<Record<string, unknown>>
}

/** Spans for OpenTelemetry. The parts of the hub have it only where an SDK is registered. */
export type Tracing = {
  /**
   * Runs `work`, whose own spans are children of this one. The span ends with the promise of `work`, and an error of it
   * is that of the span.
   */
  inSpan<T>(name: string, start: SpanStart, work: (span: Span) => Promise<T>): Promise<T>
  /** The same, when there is a current span: what the hub does by itself all the time is no trace. */
  inChild<T>(name: string, start: SpanStart, work: () => Promise<T>): Promise<T>
  /** Runs `work` in a span that the caller ends. */
  within<T>(name: string, start: SpanStart, work: (span: Span) => T): T
  /** A span that the caller ends. Spans of later work are not its children. */
  start(name: string, start: SpanStart): Span
  /** The headers by which the receiver of a request continues the trace of the span. */
  headersOf(span: Span): Record<string, string>
}

const kinds = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT } as const

/**
 * The tracing by the SDK that is registered with `@opentelemetry/api`; undefined when none is. To be called once at the
 * start: an SDK that is registered later is not used, so that nothing has to ask for it in every request.
 */
export function openTracing(): Tracing | undefined {
  const provider = trace.getTracerProvider()
  // The provider of the API stands in for an SDK that may come.
  if (provider instanceof ProxyTracerProvider && provider.getDelegateTracer('twincast') === undefined) return undefined
  const tracer = trace.getTracer('twincast', version)
  const begin = (
    name: string,
    { kind = 'internal', attributes = {}, from }: SpanStart,
  ): { readonly span: Span; readonly inside: Context } => {
    const parent = from === undefined ? context.active() : propagation.extract(ROOT_CONTEXT, from)
    const span = tracer.startSpan(name, { kind: kinds[kind], attributes }, parent)
    return { span, inside: trace.setSpan(parent, span) }
  }
  const inSpan: Tracing['inSpan'] = async (name, start, work) => {
    const { span, inside } = begin(name, start)
    try {
      return await context.with(inside, () => work(span))
    } catch (error) {
      failSpan(span, error)
      throw error
    } finally {
      span.end()
    }
  }
  return {
    inSpan,
    inChild: (name, start, work) => (trace.getActiveSpan() === undefined ? work() : inSpan(name, start, work)),
    within(name, start, work) {
      const { span, inside } = begin(name, start)
      return context.with(inside, () => work(span))
    },
    start: (name, start) => begin(name, start).span,
    headersOf(span) {
      const headers: Record<string, string> = {}
      propagation.inject(trace.setSpan(ROOT_CONTEXT, span), headers)
      return headers
    },
  }
}

/** Marks a span as failed, by the kind of the error: messages may contain values of clients. */
export function failSpan(span: Span, error: unknown): void {
  const name = error instanceof Error ? error.name : 'Error'
  span.setAttribute('error.type', name).setStatus({ code: SpanStatusCode.ERROR, message: name })
}
