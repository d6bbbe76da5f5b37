import { isNatsMissing, startNatsServer } from '../test/support/nats-server.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { connectDevices, registerFleet } from './fleet.ts'
import { leaveHub } from './hub.ts'
import { type Instance, startInstances } from './instances.ts'
import { compare } from './measure.ts'
import { median } from './numbers.ts'
import { type Row, type Run, VoidRunError } from './row.ts'

const full = { devices: 100, calls: 500 }
const quickSizes = { devices: 10, calls: 20 }

const query = `mutation ($input: InvokeDeviceMethodInput!) {
  invokeDeviceMethod(input: $input) { ... on InvokeDeviceMethodPayload { status } ... on Error { message } }
}`

/** N5: a direct method of a device that is connected to another instance than the one that is asked. */
export async function remoteMethods(bench: Bench): Promise<Row[]> {
  const keys = await registerFleet(bench, 'n5', (bench.quick ? quickSizes : full).devices)
  await leaveHub(bench.deps)
  const rows = [await compareWays(bench, 'N5', keys, {})]
  if (isNatsMissing) {
    bench.say('N5 NATS is left out, because nats-server is not installed')
    return rows
  }
  const nats = await startNatsServer()
  try {
    return [...rows, await compareWays(bench, 'N5 NATS', keys, { BUS_URL: nats.url })]
  } finally {
    await nats.close()
  }
}

async function compareWays(
  bench: Bench,
  name: string,
  keys: Parameters<typeof connectDevices>[0],
  env: Readonly<Record<string, string>>,
): Promise<Row> {
  const { databaseUrl, signal } = bench
  const { calls } = bench.quick ? quickSizes : full
  const closers = createClosers()
  try {
    const { all, close } = await startInstances(
      { databaseUrl, signal },
      ['gateway,api,worker', 'gateway,api,worker'],
      env,
    )
    closers.add(close)
    const [near, far] = all
    if (near === undefined || far === undefined) throw new Error('An instance is missing.')
    const devices = await connectDevices(keys, near.mqttPort, signal)
    closers.add(devices.close)
    const call = async ({ port }: Instance): Promise<Run> => {
      const times: number[] = []
      for (let index = 0; index < calls; index++) {
        const input = { deviceId: keys[index % keys.length]?.id, methodName: 'reboot' }
        const begun = performance.now()
        const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query, variables: { input } }),
          signal,
        })
        const answer = await response.text()
        times.push(performance.now() - begun)
        if (!answer.includes('"status":200')) throw new VoidRunError(`Void: a device was not called: ${answer}`)
      }
      return { value: median(times), cpuMicros: {} }
    }
    return await compare(bench, {
      name,
      what: `direct methods of devices at another instance, the median of ${calls}`,
      unit: 'ms',
      baselineName: 'at the same instance',
      limit: { kind: 'goal', atMost: 2 },
      ours: () => call(far),
      baseline: () => call(near),
    })
  } finally {
    await closers.close()
  }
}
