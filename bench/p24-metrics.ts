import { setTimeout as sleep } from 'node:timers/promises'
import { createAttachedDevices } from '../src/attached-devices.ts'
import { createDb } from '../src/database/client.ts'
import { serversOf } from '../src/database/servers.ts'
import { createMetrics } from '../src/metrics/metrics.ts'
import { startHub } from './answering.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { compareServers, type Peer } from './compare-servers.ts'
import { type ConnectedFleet, connectFleet } from './fleet.ts'
import { compare } from './measure.ts'
import { runJobs } from './p1-pipeline.ts'
import type { Limit, Row, Run } from './row.ts'

/** As many as P1 has, half of them on each side. */
const full = { devices: 5_000, jobs: 20 }
const quickSizes = { devices: 250, jobs: 10 }
/** Milliseconds between two scrapes; Prometheus' default is a minute. */
const scrapeInterval = 1_000
const limit: Limit = { kind: 'goal', atMost: 1.05 }

/** P24: what metrics cost, with a scrape each second: CPU time of the hub for P1's calls and P12's pages. */
export const metricsCost = async (bench: Bench): Promise<Row[]> => [
  await compareCalls(bench),
  await comparePages(bench),
]

async function compareCalls(bench: Bench): Promise<Row> {
  const { devices, jobs } = bench.quick ? quickSizes : full
  const closers = createClosers()
  try {
    const metrics = createMetrics()
    const db = createDb(serversOf(bench.databaseUrl), { limits: bench.deps.limits, log: bench.deps.log, metrics })
    closers.add(() => db.close())
    // The same hub with metrics, and with connections of its own to the database and to devices.
    const measured: Bench = { ...bench, deps: { ...bench.deps, db, metrics, attached: createAttachedDevices() } }
    const measuredFleet = await connectFleet(measured, 'p24-on', devices)
    closers.add(measuredFleet.close)
    const plainFleet = await connectFleet(bench, 'p24-off', devices)
    closers.add(plainFleet.close)
    const jobsOn = (of: Bench, fleet: ConnectedFleet, name: string): Promise<Run> =>
      runJobs(of, fleet, { count: jobs, queryCondition: `tags.fleet = '${name}'` })
    return await compare(bench, {
      name: 'P24 calls',
      what: `${jobs} method jobs over ${devices.toLocaleString('en')} devices, with metrics and a scrape per second`,
      unit: 'CPU µs/op',
      baselineName: 'without metrics',
      limit,
      async ours() {
        const scraping = scrapeEachSecond(() => metrics.print())
        try {
          return hubTime(await jobsOn(measured, measuredFleet, 'p24-on'))
        } finally {
          await scraping.stop()
        }
      },
      baseline: async () => hubTime(await jobsOn(bench, plainFleet, 'p24-off')),
    })
  } finally {
    await closers.close()
  }
}

/** Both hubs run all the time, on one database; the one with metrics is scraped all the time. */
async function comparePages(bench: Bench): Promise<Row> {
  const withoutMetrics: Peer = {
    name: 'P24 pages',
    description: 'without metrics',
    limit,
    start: (databaseUrl, signal) => startHub(databaseUrl, signal, { METRICS_PORT: 'off' }),
  }
  const [row] = await compareServers(bench, [withoutMetrics], async (databaseUrl, signal) => {
    const hub = await startHub(databaseUrl, signal)
    const scraping = scrapeEachSecond(async () => (await fetch(hub.metrics ?? '')).text())
    return {
      ...hub,
      async close() {
        try {
          await scraping.stop()
        } finally {
          await hub.close()
        }
      },
    }
  })
  if (row === undefined) throw new Error('There is no row of pages.')
  return { ...row, unit: 'CPU µs/request', ours: row.ours.map(hubTime), baseline: row.baseline.map(hubTime) }
}

/** The run by the CPU time that the hub used for an operation. */
const hubTime = (run: Run): Run => ({ ...run, value: run.cpuMicros.hub ?? Number.NaN })

/** Scrapes each second until it is stopped, which rejects when a scrape has failed. */
function scrapeEachSecond(scrape: () => Promise<unknown>): { stop(): Promise<void> } {
  const stopped = new AbortController()
  const scraping = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      await scrape()
      await sleep(scrapeInterval, undefined, { signal: stopped.signal }).catch(() => {})
    }
  }
  const scraped = scraping()
  scraped.catch(() => {})
  return {
    stop() {
      stopped.abort()
      return scraped
    },
  }
}
