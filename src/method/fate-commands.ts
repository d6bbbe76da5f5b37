import type { Deps } from '../deps.ts'
import { findIdentity, generationOf } from '../device/store.ts'
import { DeviceDisabledError, DeviceOfflineError, type DomainError, NotFoundError } from '../errors.ts'
import { everything } from '../scope.ts'

/** The device that is called: not one that gets its id after it was deleted. */
export type CalledDevice = { readonly id: string; readonly generation: string }

/**
 * Why a device that was connected, and may have been called, can no longer answer. A new device with the same id is
 * another device.
 */
export type Fate = 'deleted' | 'disabled'

export async function fateOf({ db }: Pick<Deps, 'db'>, device: CalledDevice): Promise<Fate | undefined> {
  const now = await findIdentity(db, everything, device.id)
  if (now === undefined || generationOf(now) !== device.generation) return 'deleted'
  return now.status === 'enabled' ? undefined : 'disabled'
}

/**
 * Reads the device again whenever it changes, and aborts `wait` when it can no longer answer or when that cannot be
 * determined.
 */
export function follow(
  deps: Pick<Deps, 'db' | 'events'>,
  device: CalledDevice,
  wait: AbortController,
): { readonly fate: () => Promise<Fate | undefined>; readonly stop: () => void } {
  let fate: Promise<Fate | undefined> = Promise.resolve(undefined)
  const stop = deps.events.listen('identity')((changed) => {
    if (changed.deviceId !== device.id) return
    fate = fateOf(deps, device)
    fate.then(
      (found) => {
        if (found !== undefined) wait.abort()
      },
      () => wait.abort(),
    )
  })
  return { fate: () => fate, stop }
}

/** A device that was disabled or deleted a moment ago is disconnected for that reason. */
export function unreached(deviceId: string, fate: Fate | undefined, seconds: number): DomainError {
  if (fate === 'deleted') return new NotFoundError('device', deviceId)
  if (fate === 'disabled') return new DeviceDisabledError(deviceId)
  return new DeviceOfflineError(
    seconds === 0
      ? `"${deviceId}" is not connected, or has not subscribed to methods.`
      : `"${deviceId}" did not connect and subscribe to methods within ${seconds} seconds.`,
  )
}
