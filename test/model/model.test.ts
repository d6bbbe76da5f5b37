import { expect, test } from 'vitest'
import { type Difference, runSequences, shrink } from './run-sequences.ts'
import { generate, type Sequence, type Times, timesOf } from './sequence.ts'
import { openWorld, type World } from './world.ts'

/** Sequences that share a hub and its steps. Their devices stay below the size of a batch of the hub. */
const batchSize = 200
/** Of these, those with several jobs: each of them is compared with the newest 100 jobs. */
const withSeveral = 30
const steps = 8
/** Hubs at a time, each with a database: while one waits for PostgreSQL, another one works. */
const worldsAtOnce = 2

// The suite repeats the same sequences. `npm run test:model` runs more, and others each time.
const count = Number(process.env.MODEL_SEQUENCES ?? 400)
const firstSeed = Number(process.env.MODEL_SEED ?? 20_261_000)

test(`${count} random sequences of commands on jobs lead where a small model says, after every step (from seed ${firstSeed})`, {
  timeout: 24 * 60 * 60_000,
}, async () => {
  const seeds = Array.from({ length: count }, (_, index) => firstSeed + index)
  const batches = [...new Set(seeds.map(batchOf))]
  const waiting = batches.values()
  let fault: string | undefined
  /** Runs batches until there are no more, or a fault was found. */
  const runBatches = async (): Promise<void> => {
    const world = await openWorld()
    try {
      for (const batch of waiting) {
        if (fault !== undefined) return
        const first = Math.max(batch * batchSize, firstSeed)
        const last = Math.min((batch + 1) * batchSize, firstSeed + count)
        fault = (await runBatch(world, first, last)) ?? fault
      }
    } finally {
      await world.close()
    }
  }
  await Promise.all(Array.from({ length: Math.min(worldsAtOnce, batches.length) }, runBatches))
  if (fault !== undefined) expect.fail(fault)
})

const batchOf = (seed: number): number => Math.floor(seed / batchSize)

/** What the sequences of these seeds differ in, in its shortest form; undefined when none does. The times are those of their batch. */
async function runBatch(world: World, first: number, end: number): Promise<string | undefined> {
  const times = timesOf(batchOf(first), steps)
  const sequences = new Map<number, Sequence>()
  for (let seed = first; seed < end; seed++) {
    sequences.set(seed, generate(seed, times, seed % batchSize < withSeveral))
  }
  const [difference] = await runSequences(world, sequences, times)
  if (difference === undefined) return undefined
  const { seconds } = times
  const smallest = (await shrink(world, difference, times)) ?? { difference, seconds }
  return describe(smallest.difference, { ...times, seconds: smallest.seconds })
}

function describe({ key, message, step, sequence }: Difference<number>, { begins, seconds }: Times): string {
  return [
    message,
    `npm run test:model -- --sequences 1 --seed ${key}; here step ${step + 1}, from ${new Date(begins).toISOString()}`,
    JSON.stringify(sequence.devices),
    ...sequence.jobs.map((job) => JSON.stringify(job)),
    ...sequence.commands.map((command, index) => `${seconds[index]} s later: ${JSON.stringify(command)}`),
  ].join('\n')
}
