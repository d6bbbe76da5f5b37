import { fileURLToPath } from 'node:url'
import type { Deps } from '../src/deps.ts'
import { createDevices } from '../src/device/commands.ts'
import { createMqttDoor, type MethodAnswer } from '../src/mqtt/broker.ts'
import { type FleetProcess, startFleetProcess } from '../src/simulator/child.ts'

const BATCH = 1_000

/** Registers `count` devices with the tag `building` 43. Answers their ids. */
export async function registerDevices(deps: Deps, count: number, prefix = 'device'): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(7, '0')}`)
  for (let from = 0; from < count; from += BATCH) {
    await createDevices(
      deps,
      ids.slice(from, from + BATCH).map((deviceId) => ({ deviceId, twin: { tags: { building: 43, fleet: prefix } } })),
    )
  }
  return ids
}

/** The hub's MQTT door with a fleet connected to it from another process. Answers go to whom `take` names. */
export type ConnectedFleet = {
  readonly fleet: FleetProcess
  take(onAnswer: (answer: MethodAnswer) => void): void
  close(): Promise<void>
}

export async function connectFleet(deps: Deps, deviceIds: readonly string[]): Promise<ConnectedFleet> {
  let onAnswer = (_answer: MethodAnswer): void => {}
  const door = await createMqttDoor(deps, {
    hostNames: ['localhost'],
    instanceId: 'bench',
    onMethodResponse: (answer) => onAnswer(answer),
  })
  // Keys only decide who comes in; the certificate of the TLS port, which nobody uses here, is made as for a hub.
  const { loadOrMakeCertificate } = await import('../src/certificate.ts')
  const { mkdtemp, rm } = await import('node:fs/promises')
  const folder = await mkdtemp('/tmp/twincast-bench-tls-')
  const { cert, key } = await loadOrMakeCertificate(folder, { hostNames: [], now: deps.clock.now() })
  await rm(folder, { recursive: true })
  const { mqtt } = await door.listen({ host: '127.0.0.1', port: 0, tlsPort: 0, cert, key })
  const devices = await deps.db.prisma.device.findMany({
    where: { id: { in: [...deviceIds] } },
    select: { id: true, primaryKey: true },
  })
  const fleet = startFleetProcess(
    {
      host: '127.0.0.1',
      port: mqtt?.port ?? 0,
      hubName: 'localhost',
      devices: devices.map(({ id, primaryKey }) => ({
        deviceId: id,
        primaryKey: primaryKey ?? '',
        behaviour: { kind: 'answer', payload: { ok: true } },
      })),
    },
    { entry: fileURLToPath(new URL('../dist/simulator/process.js', import.meta.url)) },
  )
  await fleet.connect({ timeoutMs: 120_000 })
  return {
    fleet,
    take(listener) {
      onAnswer = listener
    },
    async close() {
      await fleet.close()
      await door.close()
    },
  }
}
