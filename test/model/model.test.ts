import { expect, test } from 'vitest'
import { type Difference, runSequences, shrink } from './run-sequences.ts'
import { generate, type Times } from './sequence.ts'
import { openWorld, type World } from './world.ts'

/** Sequences that share a hub and its steps. Their devices stay below the size of a batch of the hub. */
const batchSize = 200
const steps = 10
/** Hubs at a time, each with a database: while one waits for PostgreSQL, another one works. */
const worldsAtOnce = 2

const count = Number(process.env.MODEL_SEQUENCES ?? 400)
const firstSeed = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 2 ** 31))

test(`${count} jobs under random commands are as a small model says, after every step (seed ${firstSeed})`, {
  timeout: 24 * 60 * 60_000,
}, async () => {
  const sizes = Array.from({ length: Math.ceil(count / batchSize) }, (_, batch) =>
    Math.min(batchSize, count - batch * batchSize),
  )
  const batches = sizes.entries()
  let fault: string | undefined
  /** Runs batches until there are no more, or a fault was found. */
  const runBatches = async (): Promise<void> => {
    const world = await openWorld()
    try {
      for (const [batch, size] of batches) {
        if (fault !== undefined) return
        fault = (await runBatch(world, firstSeed + batch, size)) ?? fault
      }
    } finally {
      await world.close()
    }
  }
  await Promise.all(Array.from({ length: Math.min(worldsAtOnce, sizes.length) }, runBatches))
  if (fault !== undefined) expect.fail(fault)
})

/** What a sequence differs in that follows from the seed, in its shortest form; undefined when none does. */
async function runBatch(world: World, seed: number, size: number): Promise<string | undefined> {
  const { sequences, times } = generate(seed, { count: size, steps })
  const [difference] = await runSequences(world, sequences, times)
  if (difference === undefined) return undefined
  const { seconds } = times
  const smallest = (await shrink(world, difference, times)) ?? { difference, seconds }
  return describe(smallest.difference, { ...times, seconds: smallest.seconds }, seed)
}

function describe({ message, step, sequence }: Difference, { begins, seconds }: Times, seed: number): string {
  return [
    message,
    `seed ${seed}, step ${step + 1}, from ${new Date(begins).toISOString()}`,
    JSON.stringify(sequence.plan),
    ...sequence.commands.map((command, index) => `${seconds[index]} s later: ${JSON.stringify(command)}`),
  ].join('\n')
}
