import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Actor } from '../src/actor.ts'
import { audited, noteKeysRead } from '../src/audit/commands.ts'
import { twinDetail } from '../src/audit/entry.ts'
import type { Deps } from '../src/deps.ts'
import { readDevice } from '../src/device/commands.ts'
import { everything } from '../src/scope.ts'
import { patchTwin } from '../src/twin/commands.ts'
import type { Bench } from './benchmark.ts'
import { registerDevices } from './devices.ts'
import { compare, measure } from './measure.ts'
import { type Row, type Run, VoidRunError } from './row.ts'

const full = { devices: 1_000, operations: 10_000 }
const quickSizes = { devices: 50, operations: 200 }
/** Operations in progress at the same time. */
const concurrency = 8

const actor: Actor = {
  kind: 'person',
  id: 'https://login.example.test|anna',
  name: 'Anna',
  issuer: 'https://login.example.test',
  subject: 'anna',
}
const address = '192.0.2.7'

/** P25: the CPU time of what is audited, hub and PostgreSQL together, with its entry and without. */
export async function auditCost(bench: Bench): Promise<Row[]> {
  const { devices, operations } = bench.quick ? quickSizes : full
  const { deps } = bench
  await registerDevices(bench, 'p25', devices)
  const deviceIdOf = (number: number): string => `p25-${String(number % devices).padStart(7, '0')}`

  let wave = 0
  const change = (by: Deps, deviceId: string): Promise<void> =>
    patchTwin(by, everything, { deviceId, ifMatch: '*', patch: { desired: { wave } } })
  const changeWithEntry = async (deviceId: string): Promise<void> => {
    const detail = twinDetail({ desired: { wave } })
    const followed = audited(deps, { actor, address, operation: 'updateTwin', target: deviceId, detail })
    await change(followed.deps, deviceId)
    await followed.end()
  }
  const read = async (deviceId: string): Promise<void> => {
    await readDevice(deps, everything, deviceId)
  }
  const readWithEntry = async (deviceId: string): Promise<void> => {
    await read(deviceId)
    await noteKeysRead(deps, { actor, address }, [deviceId])
  }

  const run = async (operate: (deviceId: string) => Promise<void>, entries: number): Promise<Run> => {
    wave++
    const before = await countEntries(bench)
    const { cpuMicros } = await measure(bench.meters, operations, async () => {
      await eachOf(operations, (number) => operate(deviceIdOf(number)))
      // What the operations leave to be written later is part of their price.
      await deps.db.query(sql`checkpoint`)
    })
    const written = (await countEntries(bench)) - before
    if (written !== entries) throw new VoidRunError(`Void: ${written} entries were written instead of ${entries}.`)
    const { hub = Number.NaN, database = Number.NaN } = cpuMicros
    return { value: hub + database, cpuMicros }
  }
  const row = (
    { name, what, atMost }: { readonly name: string; readonly what: string; readonly atMost: number },
    withEntry: (deviceId: string) => Promise<void>,
    without: (deviceId: string) => Promise<void>,
  ): Promise<Row> =>
    compare(bench, {
      name,
      what: `${what}, with its entry in the audit`,
      unit: 'CPU µs/op',
      baselineName: 'without the entry',
      limit: { kind: 'goal', atMost },
      ours: () => run(withEntry, operations),
      baseline: () => run(without, 0),
    })
  return [
    await row({ name: 'P25', what: 'the change of a twin', atMost: 1.2 }, changeWithEntry, (id) => change(deps, id)),
    await row({ name: 'P25 keys', what: 'the read of a device with its keys', atMost: 2 }, readWithEntry, read),
  ]
}

/** Does `operate` for each number below `count`, several at a time. */
async function eachOf(count: number, operate: (number: number) => Promise<void>): Promise<void> {
  let next = 0
  const work = async (): Promise<void> => {
    while (next < count) await operate(next++)
  }
  await Promise.all(Array.from({ length: concurrency }, work))
}

async function countEntries({ deps: { db } }: Bench): Promise<number> {
  const [row] = await db.query<{ count: number }>(sql`select count(*)::integer as count from audit_entry`)
  return row?.count ?? 0
}
