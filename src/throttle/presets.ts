import type { Rate } from './bucket.ts'

/** What is throttled. `methods` counts kilobytes, all others count operations. */
export const throttleNames = [
  'registry',
  'connections',
  'telemetry',
  'methods',
  'queries',
  'twinReads',
  'twinUpdates',
  'jobOperations',
  'jobDeviceOperations',
] as const

export type ThrottleName = (typeof throttleNames)[number]

/** The rate of each throttle; undefined for no limit. */
export type Throttling = Readonly<Record<ThrottleName, Rate | undefined>>

/** Sets of limits: one that protects this server, those of IoT Hub's tiers, and no limits. */
export const presetNames = ['protect', 'S1', 'S2', 'S3', 'off'] as const

export type PresetName = (typeof presetNames)[number]

/** Maximum number of purchased units of a tier. */
export const maxUnits = 200

/** A quota of IoT Hub: the higher of a hub's base and the sum of its units. */
type Quota = { readonly base?: number; readonly perUnit?: number; readonly seconds: number }

type Preset = { readonly runningJobs: number; readonly quotas: Readonly<Partial<Record<ThrottleName, Quota>>> }

const minute = 60

/** The tiers are those of IoT Hub's documentation on quotas and throttling, 2019 and later. */
const presets: Readonly<Record<PresetName, Preset>> = {
  // About the maximum of two cores. Operations that can come in bursts are counted per minute, so that only clients
  // that continuously request more than the server can do are limited. The device operations of jobs are limited by
  // batches and the window instead.
  protect: {
    runningJobs: 100,
    quotas: {
      registry: { base: 60_000, seconds: minute },
      connections: { base: 5_000, seconds: 1 },
      telemetry: { base: 20_000, seconds: 1 },
      methods: { base: 24_000, seconds: 1 },
      queries: { base: 30_000, seconds: minute },
      twinReads: { base: 180_000, seconds: minute },
      twinUpdates: { base: 180_000, seconds: minute },
      jobOperations: { base: 12_000, seconds: minute },
    },
  },
  S1: {
    runningJobs: 1,
    quotas: {
      registry: { perUnit: 100, seconds: minute },
      connections: { base: 100, perUnit: 12, seconds: 1 },
      telemetry: { base: 100, perUnit: 12, seconds: 1 },
      methods: { perUnit: 160, seconds: 1 },
      queries: { perUnit: 20, seconds: minute },
      twinReads: { base: 100, seconds: 1 },
      twinUpdates: { base: 50, seconds: 1 },
      jobOperations: { perUnit: 100, seconds: minute },
      jobDeviceOperations: { base: 10, seconds: 1 },
    },
  },
  S2: {
    runningJobs: 5,
    quotas: {
      registry: { perUnit: 100, seconds: minute },
      connections: { perUnit: 120, seconds: 1 },
      telemetry: { perUnit: 120, seconds: 1 },
      methods: { perUnit: 480, seconds: 1 },
      queries: { perUnit: 20, seconds: minute },
      twinReads: { base: 100, perUnit: 10, seconds: 1 },
      twinUpdates: { base: 50, perUnit: 5, seconds: 1 },
      jobOperations: { perUnit: 100, seconds: minute },
      jobDeviceOperations: { base: 10, perUnit: 1, seconds: 1 },
    },
  },
  S3: {
    runningJobs: 10,
    quotas: {
      registry: { perUnit: 5_000, seconds: minute },
      connections: { perUnit: 6_000, seconds: 1 },
      telemetry: { perUnit: 6_000, seconds: 1 },
      methods: { perUnit: 24_000, seconds: 1 },
      queries: { perUnit: 1_000, seconds: minute },
      twinReads: { perUnit: 500, seconds: 1 },
      twinUpdates: { perUnit: 250, seconds: 1 },
      jobOperations: { perUnit: 5_000, seconds: minute },
      jobDeviceOperations: { perUnit: 50, seconds: 1 },
    },
  },
  off: { runningJobs: 100, quotas: {} },
}

/** Whether a preset is one of IoT Hub's tiers, which alone are purchased in units. */
export const isTier = (preset: PresetName): boolean => preset !== 'protect' && preset !== 'off'

/** Maximum number of jobs that run at a time. */
export const runningJobsOf = (preset: PresetName): number => presets[preset].runningJobs

/** The limits of a preset; for a tier, with `units` units. */
export function throttlingOf(preset: PresetName, units: number): Throttling {
  const { quotas } = presets[preset]
  const rate = (name: ThrottleName): Rate | undefined => {
    const quota = quotas[name]
    if (quota === undefined) return undefined
    const { base = 0, perUnit = 0, seconds } = quota
    return { amount: Math.max(base, perUnit * units), seconds }
  }
  return throttlingBy(rate)
}

/** A limit for each name. */
export function throttlingBy(rate: (name: ThrottleName) => Rate | undefined): Throttling {
  return {
    registry: rate('registry'),
    connections: rate('connections'),
    telemetry: rate('telemetry'),
    methods: rate('methods'),
    queries: rate('queries'),
    twinReads: rate('twinReads'),
    twinUpdates: rate('twinUpdates'),
    jobOperations: rate('jobOperations'),
    jobDeviceOperations: rate('jobDeviceOperations'),
  }
}

/** No limits. */
export const unlimited: Throttling = throttlingOf('off', 1)

/** Parses `20/min`, `100/s` or `off`, which is undefined; null for any other text. */
export function parseRate(text: string): Rate | undefined | null {
  if (text === 'off') return undefined
  const [, amount = '', unit] = /^([1-9]\d{0,8})\/(s|min)$/.exec(text) ?? []
  return amount === '' ? null : { amount: Number(amount), seconds: unit === 's' ? 1 : minute }
}

/** A rate as it is written in the configuration. */
export const printRate = ({ amount, seconds }: Rate): string => `${amount}/${seconds === 1 ? 's' : 'min'}`
