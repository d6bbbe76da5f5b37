import { sqltag as sql } from '@prisma/client/runtime/client'
import { policyViewer } from '../../src/access/viewer.ts'
import type { Tx } from '../../src/database/reader.ts'
import type { Deps } from '../../src/deps.ts'
import { createDevices } from '../../src/device/commands.ts'
import { recordPresence } from '../../src/device/presence-commands.ts'
import type { Job } from '../../src/generated/prisma/client.ts'
import { scheduleJob } from '../../src/job/commands.ts'
import type { By } from '../../src/job/history.ts'
import type { JobRequestInput } from '../../src/job/request.ts'
import { type DeviceJobKey, type Dispatch, markDispatched } from '../../src/job/store/facts.ts'
import { everything } from '../../src/scope.ts'

/** Who asks for the jobs of tests. */
export const tester: By = byPolicy('tester')

/** A client with the policy of this name. */
export function byPolicy(name: string): By {
  return policyViewer({ name, rights: new Set() })
}

/** `count` devices called `name-0001` and so on, with the tag `fleet` set to their name. Answers their ids. */
export async function givenDevices(deps: Deps, name: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `${name}-${String(index + 1).padStart(4, '0')}`)
  await createDevices(
    deps,
    everything,
    ids.map((deviceId) => ({ deviceId, twin: { tags: { fleet: name } } })),
  )
  return ids
}

/** A method job over the devices of `givenDevices(name)`. */
export function givenMethodJob(
  deps: Deps,
  name: string,
  call: Readonly<Record<string, unknown>> = {},
  request: Partial<JobRequestInput> = {},
  by: By = tester,
): Promise<string> {
  return scheduleJob(deps, by, {
    type: 'scheduleDeviceMethod',
    queryCondition: `tags.fleet = '${name}'`,
    cloudToDeviceMethod: { methodName: 'reboot', ...call },
    ...request,
  })
}

/** A twin update job over the devices of `givenDevices(name)`. */
export function givenTwinJob(deps: Deps, name: string, request: Partial<JobRequestInput> = {}): Promise<string> {
  return scheduleJob(deps, tester, {
    type: 'scheduleUpdateTwin',
    queryCondition: `tags.fleet = '${name}'`,
    updateTwin: { properties: { desired: { interval: 60 } } },
    ...request,
  })
}

/** The job as it stands. */
export const jobRow = (deps: Deps, id: string): Promise<Job> => deps.db.prisma.job.findUniqueOrThrow({ where: { id } })

/** A job's counters in one line, and whether they are what its facts amount to. */
export async function counters(deps: Deps, id: string): Promise<string> {
  const job = await jobRow(deps, id)
  return `${job.status}: ${job.pendingCount} pending, ${job.runningCount} running, ${job.succeededCount} succeeded, ${job.failedCount} failed, ${job.cancelledCount} canceled`
}

/** Marks calls as a hub does to which the devices are connected; they are so only while it does. */
export async function markCalls(deps: Deps, tx: Tx, dispatches: readonly Dispatch[]): Promise<readonly DeviceJobKey[]> {
  const { instanceId } = deps.lease
  const deviceIds = dispatches.map(({ deviceId }) => deviceId)
  const before = await tx.query<{ id: string; state: string; connection: string | null; instance: string | null }>(
    sql`select id, connection_state as state, connection_id as connection, instance_id as instance
        from device where id = any(${deviceIds})`,
  )
  await tx.query(
    sql`update device set connection_state = 'connected', connection_id = 'x', instance_id = ${instanceId}
        where id = any(${deviceIds})`,
  )
  const { marked } = await markDispatched(tx, dispatches, { instanceId, now: deps.clock.now() })
  for (const { id, state, connection, instance } of before) {
    await tx.query(
      sql`update device set connection_state = ${state}, connection_id = ${connection}, instance_id = ${instance}
          where id = ${id}`,
    )
  }
  return marked
}

/** Devices that are connected to this hub, as far as the rows say. */
export async function givenPresent(deps: Deps, deviceIds: readonly string[]): Promise<void> {
  await recordPresence(
    deps,
    deviceIds.map((deviceId) => ({ deviceId, connectionId: 'x', connected: true, time: deps.clock.now() })),
  )
}
