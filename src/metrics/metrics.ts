import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { catalogue, type LabelsOf, type Metric, type MetricName, type NameOf } from './catalogue.ts'

/** A value of a gauge or a counter, with its labels. */
export type Sample<Name extends MetricName> = { readonly labels: LabelsOf<Name>; readonly value: number }

/** The metrics of this process. A part of the hub whose `metrics` are undefined counts nothing. */
export type Metrics = {
  /** Adds to a counter: 1, or `by`. */
  count<Name extends NameOf<'counter'>>(name: Name, labels: LabelsOf<Name>, by?: number): void
  /** Adds a duration in seconds to a histogram. */
  observe<Name extends NameOf<'histogram'>>(name: Name, labels: LabelsOf<Name>, seconds: number): void
  /** Sets a gauge. */
  set<Name extends NameOf<'gauge'>>(name: Name, labels: LabelsOf<Name>, value: number): void
  /**
   * Reads values when the metrics are printed. What is counted anyway, or expensive, then costs nothing in between.
   * Several parts may each give samples of one metric. Samples that cannot be read are left out.
   */
  read<Name extends NameOf<'gauge' | 'counter'>>(
    name: Name,
    samples: () => readonly Sample<Name>[] | Promise<readonly Sample<Name>[]>,
  ): void
  /** All metrics in Prometheus' text format. Calls that come while they are printed get the same text. */
  print(): Promise<string>
}

/** The media type of the text. */
export const metricsType = Registry.PROMETHEUS_CONTENT_TYPE

/** Milliseconds between two measurements of the delay of the event loop. */
const eventLoopPrecision = 20

/**
 * The metrics of the process: CPU time, memory, garbage collection, the delay of the event loop. Made once, because
 * their measurements never end.
 */
let ofProcess: Registry | undefined
function processRegistry(): Registry {
  if (ofProcess !== undefined) return ofProcess
  const register = new Registry()
  collectDefaultMetrics({ register, prefix: 'twincast_', eventLoopMonitoringPrecision: eventLoopPrecision })
  // Lists of everything that is open take milliseconds for a fleet of connections.
  for (const kind of ['handles', 'requests', 'resources']) {
    register.removeSingleMetric(`twincast_nodejs_active_${kind}`)
    register.removeSingleMetric(`twincast_nodejs_active_${kind}_total`)
  }
  ofProcess = register
  return register
}

type AnySample = { readonly labels: Readonly<Record<string, string>>; readonly value: number }
type Read = () => readonly AnySample[] | Promise<readonly AnySample[]>

/** Each combination of values of labels. */
const combinationsOf = (
  values: Readonly<Record<string, readonly string[]>>,
): readonly Readonly<Record<string, string>>[] =>
  Object.entries(values).reduce<readonly Readonly<Record<string, string>>[]>(
    (all, [label, each]) => all.flatMap((labels) => each.map((value) => ({ ...labels, [label]: value }))),
    [{}],
  )

export function createMetrics(): Metrics {
  const registry = new Registry()
  const process = processRegistry()
  const counters = new Map<string, Counter>()
  const gauges = new Map<string, Gauge>()
  const histograms = new Map<string, Histogram>()
  const reads = new Map<string, Read[]>()

  const samplesOf = async (name: string): Promise<readonly AnySample[]> => {
    const read = async (each: Read): Promise<readonly AnySample[]> => each()
    const all = await Promise.allSettled((reads.get(name) ?? []).map(read))
    return all.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  }
  const metrics: Readonly<Record<string, Metric>> = catalogue
  for (const [name, { type, help, labels, values, buckets = [] }] of Object.entries(metrics)) {
    const common = { name, help, labelNames: [...labels], registers: [registry] }
    if (type === 'histogram') histograms.set(name, new Histogram({ ...common, buckets: [...buckets] }))
    else if (type === 'counter') {
      const counter: Counter = new Counter({
        ...common,
        async collect() {
          if (!reads.has(name)) return
          const samples = await samplesOf(name)
          counter.reset()
          for (const { labels, value } of samples) counter.inc(labels, value)
        },
      })
      counters.set(name, counter)
      for (const combination of values === undefined ? [] : combinationsOf(values)) counter.inc(combination, 0)
    } else {
      const gauge: Gauge = new Gauge({
        ...common,
        async collect() {
          if (!reads.has(name)) return
          const samples = await samplesOf(name)
          gauge.reset()
          if (labels.length === 0) gauge.remove()
          for (const { labels, value } of samples) gauge.set(labels, value)
        },
      })
      // prom-client prints 0 for a gauge without labels that was never set.
      if (labels.length === 0) gauge.remove()
      gauges.set(name, gauge)
    }
  }

  let printing: Promise<string> | undefined
  return {
    count: (name, labels, by = 1) => counters.get(name)?.inc(labels, by),
    observe: (name, labels, seconds) => histograms.get(name)?.observe(labels, seconds),
    set: (name, labels, value) => gauges.get(name)?.set(labels, value),
    read(name, samples) {
      reads.set(name, [...(reads.get(name) ?? []), samples])
    },
    print() {
      printing ??= Promise.all([registry.metrics(), process.metrics()])
        .then((texts) => texts.join('\n'))
        .finally(() => {
          printing = undefined
        })
      return printing
    },
  }
}

/** The name, type and purpose of the metrics of the process, as prom-client defines them for this system. */
export async function processMetrics(): Promise<readonly { name: string; type: string; help: string }[]> {
  const all = await processRegistry().getMetricsAsJSON()
  return all.map(({ name, type, help }) => ({ name, type: String(type), help }))
}
