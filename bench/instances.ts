import { sqltag as sql } from '@prisma/client/runtime/client'
import { pause } from '../src/cli/abortable.ts'
import type { Db } from '../src/database/client.ts'
import { startHub } from './answering.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { connectDevices, type DeviceKey } from './fleet.ts'
import type { Meter } from './measure.ts'
import { VoidRunError } from './row.ts'

/** An instance of a hub in a process of its own. */
export type Instance = Awaited<ReturnType<typeof startHub>>

/** Several instances on one database. */
export type Instances = {
  readonly all: readonly Instance[]
  /** CPU time of all of them. */
  readonly cpu: Meter
  close(): Promise<void>
}

/** Starts an instance for each of these values of `HUB_ROLES`, one after the other. */
export async function startInstances(
  { databaseUrl, signal }: Pick<Bench, 'databaseUrl' | 'signal'>,
  roles: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Instances> {
  const closers = createClosers()
  const all: Instance[] = []
  try {
    for (const role of roles) {
      const instance = await startHub(databaseUrl, signal, { HUB_ROLES: role, ...env })
      closers.add(instance.close)
      all.push(instance)
    }
  } catch (error) {
    await closers.close()
    throw error
  }
  return {
    all,
    async cpu() {
      const micros = await Promise.all(all.map(({ cpu }) => cpu()))
      return micros.reduce((sum, each) => sum + each, 0)
    },
    close: closers.close,
  }
}

/** Connects devices, as many to each of the gateways, which answer every call at once. */
export async function connectEvenly(
  keys: readonly DeviceKey[],
  gateways: readonly Instance[],
  signal: AbortSignal,
): Promise<{ readonly cpu: Meter; close(): Promise<void> }> {
  const closers = createClosers()
  const meters: Meter[] = []
  const each = Math.ceil(keys.length / gateways.length)
  try {
    for (const [index, { mqttPort }] of gateways.entries()) {
      const devices = await connectDevices(keys.slice(index * each, (index + 1) * each), mqttPort, signal)
      closers.add(devices.close)
      meters.push(devices.cpu)
    }
  } catch (error) {
    await closers.close()
    throw error
  }
  return {
    async cpu() {
      let sum = 0
      for (const meter of meters) sum += await meter()
      return sum
    },
    close: closers.close,
  }
}

const scheduleMutation = `mutation ($input: ScheduleDeviceMethodInput!) {
  scheduleDeviceMethod(input: $input) { ... on ScheduleJobPayload { job { jobId } } ... on Error { message } }
}`

/** Asks an instance to schedule a method job. Answers its id. */
export async function scheduleAt({ port }: Pick<Instance, 'port'>, queryCondition: string): Promise<string> {
  const input = { queryCondition, cloudToDeviceMethod: { methodName: 'reboot' } }
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: scheduleMutation, variables: { input } }),
  })
  const answer = await response.text()
  const [, jobId] = /"jobId":"([^"]+)"/.exec(answer) ?? []
  if (jobId === undefined) throw new VoidRunError(`Void: a job was not scheduled: ${answer}`)
  return jobId
}

/** Milliseconds between two looks at the jobs. */
const lookInterval = 20

/** Waits until no job is open. */
export async function untilNoneIsOpen(db: Db, signal: AbortSignal): Promise<void> {
  for (;;) {
    const [row] = await db.query<{ open: number }>(
      sql`select count(*)::integer as open from job where end_time is null`,
    )
    if (row?.open === 0) return
    await pause(lookInterval, signal)
  }
}
