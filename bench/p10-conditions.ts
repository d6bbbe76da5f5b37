import { Sql, sqltag as sql } from '@prisma/client/runtime/client'
import { abortable } from '../src/cli/abortable.ts'
import { compileCondition } from '../src/query/compiler.ts'
import { deviceFields } from '../src/query/fields.ts'
import { parseCondition } from '../src/query/parser.ts'
import type { Bench } from './benchmark.ts'
import { registerDevices } from './devices.ts'
import { compare, measure } from './measure.ts'
import { median } from './numbers.ts'
import { type PlanNode, shapeOf } from './plan.ts'
import { type Row, type Run, VoidRunError } from './row.ts'

const full = { devices: 100_000, runMs: 400 }
const quickSizes = { devices: 2_000, runMs: 20 }
/** Executions in a run, however short or long they are. */
const executionCount = { fewest: 5, most: 500 }

type Case = {
  readonly name: string
  readonly what: string
  readonly condition: string
  /** What one would write who knows the tables, their indexes and that reported properties may be of any type. */
  readonly handWritten: Sql
}

/** Devices that are spread over the whole table. */
const listedIds = Array.from({ length: 20 }, (_, index) => `p10-${String(index * 97).padStart(7, '0')}`)

const cases: readonly Case[] = [
  {
    name: 'P10 tag',
    what: 'a tag equals',
    condition: 'tags.building = 43',
    handWritten: sql`t.tags @> ${'{"building":43}'}`,
  },
  {
    name: 'P10 and',
    what: 'two tags and a column equal',
    condition: "tags.decile = 3 AND tags.floor = 2 AND status = 'enabled'",
    handWritten: sql`t.tags @> ${'{"decile":3,"floor":2}'} and d.status = ${'enabled'}`,
  },
  {
    name: 'P10 number',
    what: 'a reported number is greater',
    condition: 'properties.reported.battery > 90',
    handWritten: sql`case when jsonb_typeof(t.reported -> 'battery') = 'number'
                          then (t.reported ->> 'battery')::float8 > ${90} end`,
  },
  {
    name: 'P10 prefix',
    what: 'device ids begin with',
    condition: "STARTSWITH(deviceId, 'p10-00001')",
    handWritten: sql`d.id like ${'p10-00001%'}`,
  },
  {
    name: 'P10 list',
    what: `one of ${listedIds.length} device ids`,
    condition: `deviceId IN [${listedIds.map((id) => `'${id}'`).join(', ')}]`,
    handWritten: sql`d.id = any(${listedIds})`,
  },
]

/** P10: what the compiler makes of a condition, against SQL by hand over the same join. Execution alone, not planning. */
export async function conditions(bench: Bench): Promise<Row[]> {
  const { devices } = bench.quick ? quickSizes : full
  await registerDevices(bench, 'p10', devices)
  const rows: Row[] = []
  for (const each of cases) rows.push(await compareCase(bench, each, devices))
  return rows
}

async function compareCase(bench: Bench, { name, what, condition, handWritten }: Case, devices: number): Promise<Row> {
  const { strings, values } = compileCondition(parseCondition(condition), deviceFields)
  const compiled = new Sql(strings, values)
  const [selected, expected] = [await count(bench, compiled), await count(bench, handWritten)]
  if (selected !== expected || selected === 0) {
    throw new VoidRunError(`Void: ${condition} selects ${selected} devices, the SQL by hand ${expected}.`)
  }
  const [ours, theirs] = [await execute(bench, compiled), await execute(bench, handWritten)]
  const { runMs } = bench.quick ? quickSizes : full
  const executions = Math.min(Math.max(Math.ceil(runMs / theirs.ms), executionCount.fewest), executionCount.most)
  return compare(bench, {
    name,
    what: `${what}: ${selected.toLocaleString('en')} of ${devices.toLocaleString('en')} devices counted`,
    unit: 'ms',
    baselineName: 'SQL by hand',
    limit: { kind: 'goal', atMost: 1.1 },
    ours: () => run(bench, compiled, executions),
    baseline: () => run(bench, handWritten, executions),
    notes: [ours.shape === theirs.shape ? 'same plan' : `plans differ: ${ours.shape}; by hand ${theirs.shape}`],
    details: [
      `Condition: ${condition}`,
      await explainText(bench, compiled),
      `By hand: ${handWritten.sql}`,
      await explainText(bench, handWritten),
    ].join('\n\n'),
  })
}

/** The median of some executions. */
async function run(bench: Bench, condition: Sql, executions: number): Promise<Run> {
  const times: number[] = []
  const { cpuMicros } = await measure({ database: bench.meters.database }, executions, async () => {
    for (let left = executions; left > 0; left--) times.push((await execute(bench, condition)).ms)
  })
  return { value: median(times), cpuMicros }
}

const counting = (condition: Sql): Sql =>
  sql`select count(*)::integer as count from device d join twin t on t.device_id = d.id where (${condition})`

async function count({ deps }: Bench, condition: Sql): Promise<number> {
  const [row] = await deps.db.query<{ count: number }>(counting(condition))
  return row?.count ?? 0
}

type Explained = { readonly 'Execution Time': number; readonly Plan: PlanNode }

/** Executes once. The nodes are not timed: that would cost more than some of them do. */
async function execute(
  { deps, signal }: Bench,
  condition: Sql,
): Promise<{ readonly ms: number; readonly shape: string }> {
  const statement = sql`explain (analyze, timing off, format json) ${counting(condition)}`
  const [row] = await abortable(deps.db.query<{ 'QUERY PLAN': readonly Explained[] }>(statement), signal)
  const explained = row?.['QUERY PLAN'][0]
  if (explained === undefined) throw new VoidRunError('Void: PostgreSQL returned no query plan.')
  return { ms: explained['Execution Time'], shape: shapeOf(explained.Plan) }
}

async function explainText({ deps }: Bench, condition: Sql): Promise<string> {
  const rows = await deps.db.query<{ 'QUERY PLAN': string }>(sql`explain (analyze, timing off) ${counting(condition)}`)
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}
