import { Agent } from 'node:https'
import { setTimeout } from 'node:timers/promises'
import { JobClient, Registry } from 'azure-iothub'
import { expect } from 'vitest'
import type { TestApp } from '../support/app.ts'

/** Counters of a job, as IoT Hub names them, and the sixth that is the hub's own. */
export type Counts = {
  readonly deviceCount: number
  readonly pendingCount: number
  readonly runningCount: number
  readonly succeededCount: number
  readonly failedCount: number
  readonly cancelledCount: number
}

/** A job as the service SDK hands it on: it has no type for it. */
export type SdkJob = Readonly<Record<string, unknown>> & {
  readonly status: string
  readonly deviceJobStatistics: Counts
}

/** A back end that knows the hub by the published service SDK, unmodified. */
export type BackEnd = {
  readonly jobs: JobClient
  readonly registry: Registry
  /**
   * Asks for a job until `enough`, or until it has ended, as the vendor's tutorial does. Whenever it asks, the counters
   * have to add up.
   */
  follow(jobId: string, enough?: (job: SdkJob) => boolean): Promise<SdkJob>
  /** All rows that a query answers, `pageSize` at a time, by callback. */
  rows(sql: string, pageSize?: number): Promise<Readonly<Record<string, unknown>>[]>
  close(): void
}

/** Connects one as `iothubowner`. */
export function connectBackEnd(app: TestApp, ownerKey: string): BackEnd {
  const text = `HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=${ownerKey}`
  // The SDK knows no port but 443: this one is handed to it by a private way.
  const agent = new Agent({ keepAlive: true, port: Number(new URL(app.addresses.https).port), ca: app.ca })
  const dial = <Sdk extends object>(sdk: Sdk): Sdk => {
    Reflect.get(Object(sdk), '_restApiClient').setOptions({ http: { agent } })
    return sdk
  }
  const jobs = dial(JobClient.fromConnectionString(text))
  const registry = dial(Registry.fromConnectionString(text))
  return {
    jobs,
    registry,
    async follow(jobId, enough = () => false) {
      for (;;) {
        const job: SdkJob = (await jobs.getJob(jobId)).jobStatus
        expect(sum(job.deviceJobStatistics)).toBe(job.deviceJobStatistics.deviceCount)
        if (['completed', 'failed', 'cancelled'].includes(job.status) || enough(job)) return job
        await setTimeout(50)
      }
    },
    async rows(sql, pageSize) {
      const query = registry.createQuery(sql, pageSize)
      const rows: Readonly<Record<string, unknown>>[] = []
      while (query.hasMoreResults) {
        rows.push(...(await called<readonly Readonly<Record<string, unknown>>[]>((done) => query.next(done))))
      }
      return rows
    },
    close: () => agent.destroy(),
  }
}

const sum = (counts: Counts): number =>
  counts.pendingCount + counts.runningCount + counts.succeededCount + counts.failedCount + counts.cancelledCount

/** What a call in callback style calls back with; rejects with its error. */
export const called = <Result>(
  call: (done: (error: Error | null | undefined, result?: Result) => void) => void,
): Promise<Result> =>
  new Promise((resolve, reject) => {
    call((error, result) => {
      if (result === undefined) reject(error ?? new Error('called back with nothing'))
      else if (error) reject(error)
      else resolve(result)
    })
  })
