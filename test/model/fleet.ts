import type { DevicePlan } from './sequence.ts'

/** A device as it is registered. All jobs of its sequence see the same. */
export type Device = {
  readonly number: number
  readonly site: string | null
  readonly isCanary: boolean
  /** The zone that it names. */
  readonly timeZone: string | null
  exists: boolean
  /** When the device with its id was created last. */
  createdAt: number
  isConnected: boolean
  isMember: boolean
  /** Since when it may meet the conditions of jobs. */
  changedAt: number
  isCompliant: boolean
}

/** The devices of a sequence. Numbers are taken modulo the number of devices. */
export type Fleet = ReturnType<typeof createFleet>

export function createFleet(plans: readonly DevicePlan[], createdAt: number) {
  const devices = plans.map(
    ({ site, isCanary, timeZone, isRegistered, isConnected, isMember, isCompliant }, number): Device => ({
      number,
      site,
      isCanary,
      timeZone,
      exists: isRegistered,
      createdAt,
      isConnected: isRegistered && isConnected,
      isMember,
      changedAt: createdAt,
      isCompliant,
    }),
  )
  const deviceAt = (number: number): Device => {
    const device = devices[number % devices.length]
    if (device === undefined) throw new RangeError('A sequence has devices.')
    return device
  }
  return {
    devices,
    exists: (number: number): boolean => deviceAt(number).exists,
    isConnected: (number: number): boolean => deviceAt(number).isConnected,
    connect(number: number, isConnected: boolean): void {
      deviceAt(number).isConnected = isConnected
    },
    /** A new device is as it was planned. */
    register(number: number, exists: boolean, now: number): void {
      const device = deviceAt(number)
      const planned = plans[device.number]
      device.exists = exists
      if (exists) device.createdAt = now
      device.isConnected = false
      device.isMember = planned?.isMember ?? false
      device.isCompliant = planned?.isCompliant ?? false
      device.changedAt = now
    },
    change(number: number, kind: 'enter' | 'leave' | 'drift', now: number): void {
      const device = deviceAt(number)
      if (kind === 'drift') device.isCompliant = false
      else device.isMember = kind === 'enter'
      device.changedAt = now
    },
  }
}
