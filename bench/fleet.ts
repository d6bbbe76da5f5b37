import { fileURLToPath } from 'node:url'
import { sqltag as sql } from '@prisma/client/runtime/client'
import { abortable } from '../src/cli/abortable.ts'
import { createDevices } from '../src/device/commands.ts'
import type { MethodAnswer } from '../src/method/answer.ts'
import { createMqttServer } from '../src/mqtt/broker.ts'
import { everything } from '../src/scope.ts'
import { startFleetProcess } from '../src/simulator/child.ts'
import type { Bench } from './benchmark.ts'
import { createClosers } from './closers.ts'
import { settleTables } from './devices.ts'
import type { Meter } from './measure.ts'

/** Devices a transaction. */
const batch = 1_000
const connectTimeoutMs = 120_000

/** The hub's MQTT door, and devices in a process of their own that are connected to it and answer every call at once. */
export type ConnectedFleet = {
  readonly deviceIds: readonly string[]
  /** CPU time of the devices' process. */
  readonly cpu: Meter
  /** Answers go here from now on. */
  take(onAnswer: (answer: MethodAnswer) => void): void
  close(): Promise<void>
}

/** What a device connects with. */
export type DeviceKey = { readonly id: string; readonly primaryKey: string }

/** Registers `count` devices with the tag `fleet`, as a client would. */
export async function registerFleet(
  { deps, signal, say }: Bench,
  name: string,
  count: number,
): Promise<readonly DeviceKey[]> {
  say(`registering ${count.toLocaleString('en')} devices`)
  const deviceIds = Array.from({ length: count }, (_, index) => `${name}-${String(index).padStart(7, '0')}`)
  for (let from = 0; from < count; from += batch) {
    signal.throwIfAborted()
    const inputs = deviceIds
      .slice(from, from + batch)
      .map((deviceId) => ({ deviceId, twin: { tags: { fleet: name } } }))
    await createDevices(deps, everything, inputs)
  }
  return await deps.db.query<DeviceKey>(
    sql`select id, primary_key as "primaryKey" from device where id = any(${deviceIds}) order by id`,
  )
}

/** Connects the devices, in a process of their own. `cpu` is its CPU time. */
export async function connectDevices(
  keys: readonly DeviceKey[],
  port: number,
  signal: AbortSignal,
): Promise<{ readonly cpu: Meter; close(): Promise<void> }> {
  const devices = startFleetProcess(
    {
      host: '127.0.0.1',
      port,
      hubName: 'localhost',
      devices: keys.map(({ id, primaryKey }) => ({
        deviceId: id,
        primaryKey,
        behaviour: { kind: 'answer', payload: { ok: true } },
      })),
    },
    // Built, because a child process does not inherit the compiler this one runs with.
    { entry: fileURLToPath(new URL('../dist/simulator/process.js', import.meta.url)) },
  )
  try {
    await abortable(devices.connect({ timeoutMs: connectTimeoutMs }), signal)
  } catch (error) {
    await devices.close()
    throw error
  }
  return {
    async cpu() {
      const { user, system } = (await devices.stats()).cpuMicros
      return user + system
    },
    close: () => devices.close(),
  }
}

/** Registers `count` devices with the tag `fleet` and connects them. */
export async function connectFleet(bench: Bench, name: string, count: number): Promise<ConnectedFleet> {
  const { deps, signal, say } = bench
  const keys = await registerFleet(bench, name, count)
  say(`connecting ${count.toLocaleString('en')} devices`)

  let onAnswer = (_answer: MethodAnswer): void => {}
  const door = await createMqttServer(deps, {
    hostNames: ['localhost'],
    onMethodResponse: (answer) => onAnswer(answer),
  })
  const closers = createClosers()
  closers.add(() => door.close())
  try {
    const { mqtt } = await door.listen({ mqtt: { host: '127.0.0.1', port: 0 }, cert: '', key: '' })
    const devices = await connectDevices(keys, mqtt?.port ?? 0, signal)
    closers.add(devices.close)
    await settleTables(bench)
    return {
      deviceIds: keys.map(({ id }) => id),
      cpu: devices.cpu,
      take(listener) {
        onAnswer = listener
      },
      close: closers.close,
    }
  } catch (error) {
    await closers.close()
    throw error
  }
}
