import type { Json } from '../../json/json.ts'
import type { Answering } from '../../simulator/behaviour.ts'

/** What a device of the demo demonstrates. */
export type Part =
  /** Answers 200. */
  | 'reboots'
  /** Answers 409, because it is busy. */
  | 'refuses'
  /** Receives the call and never answers. */
  | 'silent'
  /** Is switched off, and connects while the job waits for it. */
  | 'late'
  /** Is switched off and stays off. */
  | 'offline'

/** One device of the demo. */
export type PlannedDevice = {
  readonly deviceId: string
  readonly building: number
  readonly floor: number
  readonly kind: (typeof kinds)[number]
  readonly firmware: (typeof firmwares)[number]
  readonly part: Part
}

const buildings = [41, 42, 43, 44] as const
const floorCount = 5
const kinds = ['pump', 'valve', 'sensor'] as const
const firmwares = ['1.8.2', '2.0.1', '1.9.4', '2.1.0'] as const

/** The tags of a device. `floorId` distinguishes the floors of all buildings. */
export const tagsOf = ({ building, floor, kind }: PlannedDevice) => ({
  building,
  floor,
  floorId: `${building}-${floor}`,
  kind,
})

/** The method that reboots a device. */
export const rebootMethod = 'reboot'

/** The floor whose devices are rebooted. */
export const rebootedFloor = { building: 43, floor: 3 } as const
/** The query condition for the devices that are rebooted. */
export const rebootCondition = `tags.building = ${rebootedFloor.building} AND tags.floor = ${rebootedFloor.floor}`
export const isRebooted = ({ building, floor }: PlannedDevice): boolean =>
  building === rebootedFloor.building && floor === rebootedFloor.floor

/** The query condition for the devices that get a new interval. */
export const oldPumpCondition = "tags.kind = 'pump' AND properties.reported.firmware < '2.0'"
export const isOldPump = ({ kind, firmware }: PlannedDevice): boolean => kind === 'pump' && firmware < '2.0'

/** The desired property that changes, with its value in seconds before and after. */
export const newInterval = { name: 'telemetryInterval', before: 60, after: 300 } as const

/** The minimum number of devices for which the rebooted floor has a device of each part. */
export const fewestDevices = buildings.length * floorCount * 6

/**
 * The fleet, which is always the same for the same count. Consecutive devices are in different buildings, and then on
 * different floors.
 */
export function planFleet(count: number): PlannedDevice[] {
  return Array.from({ length: count }, (_, index) => {
    const building = at(buildings, index)
    const floor = (Math.floor(index / buildings.length) % floorCount) + 1
    const number = Math.floor(index / (buildings.length * floorCount)) + 1
    const kind = at(kinds, number)
    return {
      deviceId: `b${building}-f${floor}-${kind}-${String(number).padStart(3, '0')}`,
      building,
      floor,
      kind,
      firmware: at(firmwares, Math.floor(number / kinds.length)),
      part: building === rebootedFloor.building && floor === rebootedFloor.floor ? partOf(number) : 'reboots',
    }
  })
}

/** Of 100 devices on the rebooted floor, one is silent, four are late, five refuse and six are offline. */
function partOf(number: number): Part {
  if (number === 2) return 'silent'
  if (number % 25 === 3) return 'late'
  if (number % 20 === 4) return 'refuses'
  if (number % 16 === 6) return 'offline'
  return 'reboots'
}

/** How a device answers. The delay is 0.1 to 3 seconds, so that the bars have something to show. */
export function answeringOf({ part, firmware }: PlannedDevice): Answering {
  const delayMs = { min: 100, max: 3_000 }
  if (part === 'silent') return { kind: 'silent' }
  if (part === 'refuses') {
    return { kind: 'refuse', status: 409, payload: { reason: 'a filling is under way' }, delayMs }
  }
  return { kind: 'answer', status: 200, payload: { rebootedWith: firmware } satisfies Json, delayMs }
}

const at = <T>(values: readonly [T, ...T[]], index: number): T => values[index % values.length] ?? values[0]
