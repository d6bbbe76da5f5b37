import type { Deps } from '../../src/deps.ts'
import { createDevices } from '../../src/device/commands.ts'
import type { Job } from '../../src/generated/prisma/client.ts'
import { scheduleJob } from '../../src/job/commands.ts'
import type { By } from '../../src/job/history.ts'
import type { JobRequestInput } from '../../src/job/request.ts'

/** Who asks for the jobs of tests. */
export const tester: By = { policyName: 'tester' }

/** `count` devices called `name-0001` and so on, with the tag `fleet` set to their name. Answers their ids. */
export async function givenDevices(deps: Deps, name: string, count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `${name}-${String(index + 1).padStart(4, '0')}`)
  await createDevices(
    deps,
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
): Promise<string> {
  return scheduleJob(deps, tester, {
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
  return `${job.status}: ${job.pendingCount} pending, ${job.runningCount} running, ${job.succeededCount} succeeded, ${job.failedCount} failed, ${job.canceledCount} canceled`
}
