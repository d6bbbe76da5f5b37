import { writeFile } from 'node:fs/promises'
import { createCommand } from '@commander-js/extra-typings'
import { text, wholeNumber, wholeNumbers } from '../src/cli/options.ts'
import { runCommand } from '../src/cli/run-command.ts'
import { listenForStop } from '../src/cli/stop.ts'
import { attacks, numberedAttacks } from './attacks.ts'
import type { Benchmark } from './benchmark.ts'
import { openHub } from './hub.ts'
import { describeMachine, type Machine } from './machine.ts'
import type { Conduct } from './measure.ts'
import { dividedWork } from './n1-instances.ts'
import { jobsOnNats } from './n2-nats.ts'
import { idleInstances } from './n3-idle-instances.ts'
import { takeover } from './n4-takeover.ts'
import { remoteMethods } from './n5-direct-methods.ts'
import { leaving } from './n6-leaving.ts'
import { slicedJob } from './n7-slices.ts'
import { gatewayCost } from './n8-gateway.ts'
import { pipeline } from './p1-pipeline.ts'
import { smallFleet } from './p2-small-fleet.ts'
import { watchedJobs } from './p3-watched-jobs.ts'
import { afterSmallJobs } from './p4-small-jobs.ts'
import { scale } from './p6-scale.ts'
import { twinUpdates } from './p7-twin-updates.ts'
import { scheduling } from './p8-schedule.ts'
import { expansion } from './p9-expansion.ts'
import { conditions } from './p10-conditions.ts'
import { jobPages } from './p12-job-pages.ts'
import { peers } from './p13-peers.ts'
import { fanOut } from './p15-fan-out.ts'
import { progress } from './p17-progress.ts'
import { sleeper } from './p18-sleeper.ts'
import { residentMemory } from './p19-memory.ts'
import { idle } from './p20-idle.ts'
import { lateness } from './p21-lateness.ts'
import { endurance } from './p22-endurance.ts'
import { queueAlone } from './p23-queues.ts'
import { metricsCost } from './p24-metrics.ts'
import { auditCost } from './p25-audit.ts'
import { devicePages } from './p26-device-pages.ts'
import { report } from './report.ts'
import { failsGate, judge, type Row } from './row.ts'
import { attacked } from './s8-attacks.ts'
import { blocks } from './s9-blocks.ts'
import { memory } from './s10-memory.ts'
import { trusted } from './s18-trusted.ts'

const allBenchmarks: Readonly<Record<string, Benchmark>> = {
  P1: pipeline,
  P2: smallFleet,
  P3: watchedJobs,
  P4: afterSmallJobs,
  P6: scale,
  P7: twinUpdates,
  P8: scheduling,
  P9: expansion,
  P10: conditions,
  P12: jobPages,
  P13: peers,
  P15: fanOut,
  P17: progress,
  P18: sleeper,
  P19: residentMemory,
  P20: idle,
  P21: lateness,
  P22: endurance,
  P23: queueAlone,
  P24: metricsCost,
  P25: auditCost,
  P26: devicePages,
  N1: dividedWork,
  N2: jobsOnNats,
  N3: idleInstances,
  N4: takeover,
  N5: remoteMethods,
  N6: leaving,
  N7: slicedJob,
  N8: gatewayCost,
  S8: attacked,
  S9: blocks,
  S10: memory,
  S18: trusted,
}
const names = Object.keys(allBenchmarks)

const benchmarkNames = new RegExp(`^(${names.join('|')})(,(${names.join('|')}))*$`)

const command = createCommand('npm run bench --')
  .description(
    `Compares the hub with baselines on this machine, one after the other (docs/benchmarks.md), using an embedded PostgreSQL
and simulated devices. Removes everything at the end. Exits with status 1 if a gate fails.`,
  )
  .addOption(
    text(
      '--only <P1,P9>',
      'benchmarks to run',
      benchmarkNames,
      `one or more of ${names.join(', ')}, separated by commas`,
    ).default(names.join(',')),
  )
  .addOption(
    wholeNumbers('--attacks <3,12>', 'attacks that S8, S9 and S10 run, by number; all when omitted', {
      min: 1,
      max: attacks.length,
    }),
  )
  .addOption(wholeNumber('--rounds <N>', 'number of measured runs per side', { min: 1, max: 100 }).default(5))
  .option('--million', 'runs P6, P7 and P8 with 1,000,000 devices too, and P26 and N7 with so many')
  .option('--quick', 'small sizes, to check that the benchmarks run; nothing is judged')
  .option('--explain', 'also prints the query plans of P10')
  .option('--json <FILE>', 'also writes all runs to this file')
  .action(runBenchmarks)

type Options = {
  readonly only: string
  readonly attacks?: readonly number[]
  readonly rounds: number
  readonly million?: boolean
  readonly quick?: boolean
  readonly explain?: boolean
  /** The name of a file. */
  readonly json?: string
}

await runCommand(command)

async function runBenchmarks(options: Options): Promise<void> {
  const { only, rounds, million = false, quick = false, explain = false } = options
  const { signal } = listenForStop()
  const conduct: Conduct = {
    quick,
    rounds,
    signal,
    say: (line) => process.stderr.write(`${line}\n`),
  }
  const chosenAttacks = numberedAttacks(options.attacks)
  const rows: Row[] = []
  let machine: Machine = {}
  try {
    for (const name of new Set(only.split(','))) {
      const benchmark = allBenchmarks[name]
      if (benchmark === undefined) continue
      conduct.say(`${name}: starting a hub`)
      const hub = await openHub()
      try {
        if (rows.length === 0) machine = await describeMachine(hub.deps.db)
        rows.push(...(await benchmark({ ...hub, ...conduct, million, attacks: chosenAttacks })))
      } finally {
        await hub.close()
      }
    }
  } catch (error) {
    // Whatever broke after Ctrl-C broke because of it.
    signal.throwIfAborted()
    throw error
  } finally {
    print(rows, machine, explain)
    const file = options.json
    if (file !== undefined) await writeFile(file, json(rows, machine))
  }
  const failed = rows.filter(failsGate).map((row) => row.name)
  if (failed.length > 0) throw new Error(`A gate failed: ${failed.join(', ')}.`)
}

/** Those rows that were measured to their end. */
function print(rows: readonly Row[], machine: Machine, withDetails: boolean): void {
  if (rows.length === 0) return
  const facts = Object.entries(machine).map(([name, value]) => `${name}: ${value}`)
  const details = withDetails
    ? rows.flatMap(({ name, details }) => (details === undefined ? [] : `\n${name}\n\n${details}`))
    : []
  process.stdout.write(`${['', ...facts, '', ...report(rows), ...details].join('\n')}\n`)
}

function json(rows: readonly Row[], machine: Machine): string {
  const judged = rows.map((row) => ({ ...row, judgement: judge(row) }))
  return `${JSON.stringify({ machine, rows: judged }, undefined, 2)}\n`
}
