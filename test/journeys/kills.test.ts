import { expect, test } from 'vitest'
import { runKills } from '../kills/kills.ts'

const named = Number(process.env.KILLS_NAMED ?? 2)
const random = Number(process.env.KILLS_RANDOM ?? 2)
const seed = Number(process.env.KILLS_SEED ?? Math.floor(Math.random() * 2 ** 31))
/** Whether it is the long form. */
const isLong = process.env.KILLS_NAMED !== undefined
const say = (line: string): void => {
  if (isLong) process.stderr.write(`${line}\n`)
}

test(`three instances that are killed ${named} times at named points and ${random} times at random keep to every control (seed ${seed})`, {
  timeout: 60 * 60_000,
}, async () => {
  const report = await runKills({ named, random, seed, hasWindows: isLong, say }).catch((error) => {
    say(String(error?.stack))
    throw error
  })
  say(JSON.stringify(report))
  expect(report.faults).toEqual([])
  expect(report.named.length).toBeGreaterThanOrEqual(named)
  expect(report.calls).toBeGreaterThan(0)
})
