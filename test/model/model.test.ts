import { expect, test } from 'vitest'
import { runSequences, shrink } from './run-sequences.ts'
import { generate } from './sequence.ts'
import { openWorld } from './world.ts'

/** Sequences that share a hub and its steps. Their devices stay below the size of a batch of the hub. */
const batchSize = 200
const steps = 10

const count = Number(process.env.MODEL_SEQUENCES ?? 400)
const seed = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 2 ** 31))

test(`${count} jobs under random commands are as a small model says, after every step (seed ${seed})`, {
  timeout: 24 * 60 * 60_000,
}, async () => {
  const world = await openWorld()
  try {
    for (let done = 0, batch = 0; done < count; done += batchSize, batch++) {
      const { sequences, times } = generate(seed + batch, { count: Math.min(batchSize, count - done), steps })
      const [difference] = await runSequences(world, sequences, times)
      const smallest =
        difference && ((await shrink(world, difference, times)) ?? { difference, seconds: times.seconds })
      if (smallest === undefined) continue
      const { plan, commands } = smallest.difference.sequence
      const lines = commands.map((command, step) => `${smallest.seconds[step]} s later: ${JSON.stringify(command)}`)
      expect.fail(
        [
          smallest.difference.message,
          `seed ${seed + batch}, step ${smallest.difference.step + 1}, from ${new Date(times.begins).toISOString()}`,
          JSON.stringify(plan),
          ...lines,
        ].join('\n'),
      )
    }
  } finally {
    await world.close()
  }
})
