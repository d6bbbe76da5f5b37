// The devices of a hub that is attacked, by number.

export const idOf = (index: number): string => `pump-${String(index).padStart(7, '0')}`

/** The devices of the first page, whose twins are as large as IoT Hub takes; and how many of them fit in a request. */
const heavy = 100
const heavyBatch = 5
const lightBatch = 1_000

/** What a device is registered with. */
type DeviceInput = ReturnType<typeof inputOf>

function inputOf(index: number) {
  const tags = { weight: index + 1 }
  if (index >= heavy) return { deviceId: idOf(index), twin: { tags } }
  const members = Array.from({ length: 1_500 }, (_, member) => [`member${member}`, member])
  return { deviceId: idOf(index), twin: { tags, properties: { desired: Object.fromEntries(members) } } }
}

/** The first `count` devices, request by request. */
export function* fleetInputs(count: number): Generator<readonly DeviceInput[]> {
  for (let from = 0; from < count; ) {
    const end = Math.min(count, from + (from < heavy ? heavyBatch : lightBatch))
    yield Array.from({ length: end - from }, (_, index) => inputOf(from + index))
    from = end
  }
}
