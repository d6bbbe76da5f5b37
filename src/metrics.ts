/** The labels of one series, by name. */
export type Labels = Readonly<Record<string, string>>

/** Counts events. */
export type Counter = { add(labels?: Labels, by?: number): void }

/** A value that rises and falls. `read` gives the value whenever the metrics are printed. */
export type Gauge = { set(value: number, labels?: Labels): void; read(value: () => number, labels?: Labels): void }

/** The metrics of this process. */
export type Metrics = {
  /** The counter of this name, which is made when it is missing. Names of counters end with `_total`. */
  counter(name: string, help: string): Counter
  /** The gauge of this name, which is made when it is missing. */
  gauge(name: string, help: string): Gauge
  /** All metrics in Prometheus' text format 0.0.4. */
  print(): string
}

/** The type of the text that `print` gives. */
export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Series of one metric. Further ones are not kept, so that labels that clients choose cannot use up the memory. A label
 * must not contain such values anyway.
 */
export const mostSeries = 1_000

type Metric = {
  readonly type: 'counter' | 'gauge'
  readonly help: string
  /** The values, or how to read them, by the printed labels. */
  readonly series: Map<string, number | (() => number)>
}

export function createMetrics(): Metrics {
  const metrics = new Map<string, Metric>()
  const metricOf = (type: Metric['type'], name: string, help: string): Metric => {
    const metric = metrics.get(name) ?? { type, help, series: new Map() }
    if (metric.type !== type) throw new Error(`The metric ${name} is a ${metric.type}.`)
    metrics.set(name, metric)
    return metric
  }
  const put = ({ series }: Metric, labels: Labels, value: number | (() => number)): void => {
    const key = printLabels(labels)
    if (series.has(key) || series.size < mostSeries) series.set(key, value)
  }
  return {
    counter(name, help) {
      const metric = metricOf('counter', name, help)
      return {
        add(labels = {}, by = 1) {
          const before = metric.series.get(printLabels(labels))
          put(metric, labels, (typeof before === 'number' ? before : 0) + by)
        },
      }
    },
    gauge(name, help) {
      const metric = metricOf('gauge', name, help)
      return {
        set: (value, labels = {}) => put(metric, labels, value),
        read: (value, labels = {}) => put(metric, labels, value),
      }
    },
    print: () =>
      [...metrics]
        .filter(([, { series }]) => series.size > 0)
        .map(([name, { type, help, series }]) => {
          const lines = [...series].map(
            ([labels, value]) => `${name}${labels} ${typeof value === 'number' ? value : value()}\n`,
          )
          return `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n${lines.join('')}`
        })
        .join(''),
  }
}

function printLabels(labels: Labels): string {
  const pairs = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1))
  if (pairs.length === 0) return ''
  return `{${pairs.map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}"`).join(',')}}`
}

const escaped = (character: string): string => (character === '\n' ? '\\n' : `\\${character}`)
