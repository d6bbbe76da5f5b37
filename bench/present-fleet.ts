import { sqltag as sql } from '@prisma/client/runtime/client'
import type { MethodRequest } from '../src/attached-devices.ts'
import type { Scheduler } from '../src/scheduler/scheduler.ts'
import type { Bench } from './benchmark.ts'

/** Makes a fleet's devices reachable. Before the scheduler starts, as if they had been there all the time. */
export async function attachFleet(
  { deps }: Bench,
  fleet: string,
  deliver: (request: MethodRequest) => void,
): Promise<() => void> {
  const rows = await deps.db.query<{ id: string }>(sql`select id from device where starts_with(id, ${`${fleet}-`})`)
  await deps.db.query(
    sql`update device set connection_state = 'connected', connection_id = 'bench', instance_id = ${deps.lease.instanceId}
        where starts_with(id, ${`${fleet}-`})`,
  )
  const detach = rows.map(({ id }) => deps.attached.attach(id, deliver))
  return () => {
    for (const one of detach) one()
  }
}

/**
 * Answers every call with 200, after the sender has returned, as from a network, and all at once, so that answering
 * costs next to nothing.
 */
export function answerSoon(scheduler: Scheduler): (request: MethodRequest) => void {
  let waiting: MethodRequest[] = []
  const answerAll = (): void => {
    const requests = waiting
    waiting = []
    for (const { deviceId, requestId } of requests) {
      scheduler.takeAnswer({ deviceId, requestId, response: { status: 200, payload: '{"ok":true}' } })
    }
  }
  return (request) => {
    if (waiting.push(request) === 1) setImmediate(answerAll)
  }
}
