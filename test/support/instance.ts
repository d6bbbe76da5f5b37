import type { MethodRequest } from '../../src/attached-devices.ts'
import type { Deps } from '../../src/deps.ts'
import { readRequestKey } from '../../src/job/store/jobs.ts'
import { dispatchMethodCalls } from '../../src/scheduler/dispatch-method-calls.ts'
import { expireDeviceJobs } from '../../src/scheduler/expire-device-jobs.ts'
import { createInFlightCalls, type InFlightCalls } from '../../src/scheduler/in-flight-calls.ts'
import { createOrphanCandidates, type OrphanCandidates } from '../../src/scheduler/orphan-candidates.ts'
import { settleDeviceJobs } from '../../src/scheduler/settle-device-jobs.ts'

/** The duties of one process over method calls, each done when it is told to. */
export type TestInstance = {
  readonly window: InFlightCalls
  readonly orphans: OrphanCandidates
  /** Calls as many as it can. */
  dispatch(): Promise<void>
  answer(request: Pick<MethodRequest, 'deviceId' | 'requestId'>, status?: number): boolean
  expire(): Promise<unknown>
  /** Writes what was answered. */
  settled(): Promise<void>
  stop(): Promise<void>
}

export async function createInstance(deps: Deps, windowSize = 2_000): Promise<TestInstance> {
  const requestKey = await readRequestKey(deps.db)
  const window = createInFlightCalls(windowSize, () => {})
  const orphans = createOrphanCandidates()
  const dispatch = dispatchMethodCalls(deps, { requestKey, window, orphans })
  const settling = settleDeviceJobs(deps, { requestKey, window })
  const expire = expireDeviceJobs(deps, { window, orphans, cleansUp: true })
  return {
    window,
    orphans,
    dispatch: async () => {
      // As the loop does, which gives an instance whose clock is wrong no turn.
      while (deps.lease.isClockRight() && (await dispatch.run(deps.clock.now())).full);
    },
    answer: ({ deviceId, requestId }, status = 200) =>
      settling.take({ deviceId, requestId, response: { status, payload: '{"ok":true}' } }),
    expire: () => expire.run(deps.clock.now()),
    settled: () => settling.close(),
    stop: async () => {
      dispatch.close()
      expire.close()
      await settling.close()
    },
  }
}
