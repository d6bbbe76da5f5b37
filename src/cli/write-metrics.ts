import { writeFile } from 'node:fs/promises'
import { printMetrics } from '../metrics/print-metrics.ts'

// Prints the text of docs/metrics.md: each metric with its type, its labels and its meaning.
await writeFile(new URL('../../docs/metrics.md', import.meta.url), await printMetrics())
