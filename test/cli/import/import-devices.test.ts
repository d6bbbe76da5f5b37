import { expect, test } from 'vitest'
import type { HubClient } from '../../../src/cli/hub-client.ts'
import { HubUnreachableError } from '../../../src/cli/hub-errors.ts'
import { type ImportProgress, importDevices } from '../../../src/cli/import/import-devices.ts'
import type { Line } from '../../../src/cli/import/lines.ts'
import { fakeHub } from '../fake-hub.ts'

/** As many lines with devices, from line 1 on. */
async function* linesTo(last: number): AsyncGenerator<Line> {
  for (let line = 1; line <= last; line++) yield { line, device: { deviceId: `d${line}` } }
}

type Sent = { readonly input: { readonly devices: readonly { readonly deviceId: string }[] } }

const devicesIn = (variables: unknown): readonly string[] => {
  const { input }: Sent = JSON.parse(JSON.stringify(variables))
  return input.devices.map(({ deviceId }) => deviceId)
}

const created = (variables: unknown) => ({
  createDevices: {
    __typename: 'CreateDevicesPayload',
    results: devicesIn(variables).map(() => ({ __typename: 'CreateDevicePayload' })),
  },
})

function watched(signal: AbortSignal = new AbortController().signal) {
  const progress: ImportProgress[] = []
  const options = { fromLine: 1, ifExists: 'skip', onFailure: () => {}, signal } as const
  return { progress, options: { ...options, onProgress: (each: ImportProgress) => void progress.push(each) } }
}

test('an import whose hub fails says from which line it can go on, and then imports the others', async () => {
  const { progress, options } = watched()
  const lost = fakeHub(({ variables }) => {
    if (devicesIn(variables).includes('d1400')) throw new HubUnreachableError('No hub responds.')
    return created(variables)
  })
  await expect(importDevices(lost, linesTo(2_000), options)).rejects.toThrow('No hub responds.')
  const nextLine = progress.at(-1)?.nextLine ?? 0
  expect(nextLine).toBe(1_001)
  const hub = fakeHub(({ variables }) => created(variables))
  expect(await importDevices(hub, linesTo(2_000), { ...options, fromLine: nextLine })).toMatchObject({ created: 1_000 })
  expect(hub.requests.flatMap(({ variables }) => devicesIn(variables))[0]).toBe('d1001')
})

test('lines of a batch that is under way are not done, although those after them are', async () => {
  const { progress, options } = watched()
  let finish = (): void => {}
  const isSecondDone = new Promise<void>((resolve) => {
    finish = resolve
  })
  const hub = fakeHub(({ variables }) => created(variables))
  const slow: HubClient = {
    ...hub,
    async execute(document, variables) {
      if (devicesIn(variables).includes('d1')) await isSecondDone
      return hub.execute(document, variables)
    },
  }
  const onProgress = (each: ImportProgress): void => {
    options.onProgress(each)
    finish()
  }
  await importDevices(slow, linesTo(1_000), { ...options, onProgress })
  expect(progress.map(({ nextLine }) => nextLine)).toEqual([1, 1_001])
})

test('a hub that fails while lines are read ends the import', async () => {
  let fail = (): void => {}
  const failed = new Promise<void>((resolve) => {
    fail = resolve
  })
  const hub = fakeHub(() => {
    fail()
    throw new HubUnreachableError('No hub responds.')
  })
  const lines = async function* (): AsyncGenerator<Line> {
    yield* linesTo(501)
    await failed
    for (let line = 502; line <= 1_001; line++) yield { line, device: { deviceId: `d${line}` } }
  }
  await expect(importDevices(hub, lines(), watched().options)).rejects.toThrow('No hub responds.')
  expect(hub.requests.length).toBeLessThanOrEqual(2)
})

test('the line to go on with is after the last batch of an import that ends', async () => {
  const { progress, options } = watched()
  await importDevices(
    fakeHub(({ variables }) => created(variables)),
    linesTo(1_200),
    options,
  )
  expect(progress.at(-1)).toEqual({ tally: { created: 1_200, updated: 0, skipped: 0, failed: 0 }, nextLine: 1_201 })
})
