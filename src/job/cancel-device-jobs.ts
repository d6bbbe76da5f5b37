import { ConflictError, InvalidInputError } from '../errors.ts'
import { deviceConditionOf } from '../query/device-condition.ts'
import { parseCondition } from '../query/parser.ts'
import type { DeviceCondition } from '../sql-fragment.ts'
import { checkReason } from './reason.ts'
import type { JobStatus } from './state.ts'

/** The device jobs of a job to cancel, as a client requests it. */
export type DeviceJobCancellationInput = {
  readonly jobId: string
  readonly deviceId?: string | null | undefined
  readonly queryCondition?: string | null | undefined
  readonly reason?: string | null | undefined
}

/** Which device jobs: that of one device, or those of the devices that meet a condition; undefined for the condition `*`. */
export type CancelledPart =
  | { readonly deviceId: string }
  | { readonly queryCondition: string; readonly condition: DeviceCondition | undefined }

/** What a client has cancelled: `cancelled` device jobs. The calls to `underWay` other devices of this part go on. */
export type DeviceJobCancellation = {
  readonly deviceId?: string
  readonly queryCondition?: string
  readonly cancelled: number
  readonly underWay: number
}

/** InvalidInputError with the path of the argument, QueryConditionError. */
export function checkDeviceJobCancellation({ deviceId, queryCondition, reason }: DeviceJobCancellationInput): {
  readonly part: CancelledPart
  readonly reason: string | null
} {
  return { part: checkPart(deviceId ?? undefined, queryCondition ?? undefined), reason: checkReason(reason) }
}

function checkPart(deviceId: string | undefined, queryCondition: string | undefined): CancelledPart {
  if (queryCondition === undefined) {
    if (deviceId !== undefined) return { deviceId }
    throw new InvalidInputError(['deviceId'], 'Give a deviceId, or a queryCondition that selects devices.')
  }
  if (deviceId !== undefined) {
    throw new InvalidInputError(['queryCondition'], 'Give a deviceId or a queryCondition, not both.')
  }
  const condition = parseCondition(queryCondition)
  return { queryCondition, condition: condition.kind === 'all' ? undefined : deviceConditionOf(condition) }
}

/** Throws ConflictError unless the job has waiting devices that can be cancelled: it has started, and not ended. */
export function requireCancellable({
  id,
  status,
  startedTime,
}: {
  readonly id: string
  readonly status: JobStatus
  readonly startedTime: Date | null
}): void {
  if (status === 'completed' || status === 'failed') throw new ConflictError(`Job "${id}" has ended.`)
  if (status === 'cancelled') throw new ConflictError(`Job "${id}" is cancelled, and so are its waiting devices.`)
  if (startedTime === null) {
    throw new ConflictError(`Job "${id}" has not started. Until then, only the whole job can be cancelled.`)
  }
}
