import { catalogue, type Metric } from './catalogue.ts'
import { processMetrics } from './metrics.ts'

const cell = (text: string): string => text.replaceAll('|', '\\|')

/** The text of docs/metrics.md. */
export async function printMetrics(): Promise<string> {
  const metrics: Readonly<Record<string, Metric>> = catalogue
  const own = Object.entries(metrics).map(([name, { type, help, labels }]) => {
    const names = labels.map((label) => `\`${label}\``).join(', ')
    return `| \`${name}\` | ${type} | ${names} | ${cell(help)} |`
  })
  const ofProcess = (await processMetrics()).map(({ name, type, help }) => `| \`${name}\` | ${type} | ${cell(help)} |`)
  return `${[
    '# Metrics',
    '',
    'The hub serves these metrics in the text format of Prometheus at `/metrics` on `METRICS_PORT`',
    '([operations.md](operations.md#metrics)). This page is printed from `src/metrics/catalogue.ts` by `npm run metrics`.',
    '',
    'Each instance has its own metrics. Counters and histograms begin at zero when an instance starts. Times are in seconds.',
    '',
    '| metric | type | labels | meaning |',
    '|---|---|---|---|',
    ...own,
    '',
    '## The process',
    '',
    'These come from the library prom-client. Some of them exist on Linux only.',
    '',
    '| metric | type | meaning |',
    '|---|---|---|',
    ...ofProcess,
  ].join('\n')}\n`
}
