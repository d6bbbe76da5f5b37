import type { Json } from '../../json/json.ts'
import type { Answering } from '../../simulator/behaviour.ts'

/** What a device of the demo is there to show. */
export type Part =
  /** Reboots when told. */
  | 'reboots'
  /** Answers 409: it is busy. */
  | 'refuses'
  /** Receives the call and never answers. */
  | 'silent'
  /** Is switched off and comes back while the job is waiting for it. */
  | 'late'
  /** Is switched off and stays so. */
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

/** The floor that is rebooted. */
export const rebootedFloor = { building: 43, floor: 3 } as const
/** The devices that are rebooted, as the hub is asked for them. */
export const rebootCondition = `tags.building = ${rebootedFloor.building} AND tags.floor = ${rebootedFloor.floor}`
export const isRebooted = ({ building, floor }: PlannedDevice): boolean =>
  building === rebootedFloor.building && floor === rebootedFloor.floor

/** The devices that get another interval, as the hub is asked for them. */
export const oldPumpCondition = "tags.kind = 'pump' AND properties.reported.firmware < '2.0'"
export const isOldPump = ({ kind, firmware }: PlannedDevice): boolean => kind === 'pump' && firmware < '2.0'

/** The name of the desired property, in seconds, before and after. */
export const newInterval = { name: 'telemetryInterval', before: 60, after: 300 } as const

/** The fewest devices that make a floor with each part on it. */
export const fewestDevices = buildings.length * floorCount * 6

/** The fleet: always the same for the same count. Buildings and floors are filled in turn. */
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

/** Of a hundred devices on a floor one is silent, four are late, five refuse and six are offline. */
function partOf(number: number): Part {
  if (number === 2) return 'silent'
  if (number % 25 === 3) return 'late'
  if (number % 20 === 4) return 'refuses'
  if (number % 16 === 6) return 'offline'
  return 'reboots'
}

/** How a device answers, so that a bar has something to show: after a tenth of a second to three seconds. */
export function answeringOf({ part, firmware }: PlannedDevice): Answering {
  const delayMs = { min: 100, max: 3_000 }
  if (part === 'silent') return { kind: 'silent' }
  if (part === 'refuses') {
    return { kind: 'refuse', status: 409, payload: { reason: 'a filling is under way' }, delayMs }
  }
  return { kind: 'answer', status: 200, payload: { rebootedWith: firmware } satisfies Json, delayMs }
}

const at = <T>(values: readonly [T, ...T[]], index: number): T => values[index % values.length] ?? values[0]
