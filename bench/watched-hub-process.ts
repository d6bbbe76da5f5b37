// The program of a process that is a whole hub and tells how it is (watched-hub.ts).
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { pino } from 'pino'
import { createApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'

/** What the process is asked. */
export type Question = 'watch' | 'tell' | 'weigh' | 'stop'
/**
 * What it answers. `block` is the longest that its event loop stood still since `watch`, in milliseconds; `memory` is what
 * is in use and will not be collected, in bytes, and NaN unless it was to `weigh` that, which takes a while.
 */
export type Condition = { readonly block: number; readonly memory: number; readonly cpuMicros: number }

const app = createApp(readConfig(process.env, process.cwd()), {
  log: pino({ level: 'error' }, pino.destination({ dest: 2, sync: true })),
})
const delay = monitorEventLoopDelay({ resolution: 1 })

function memoryInUse(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

process.on('message', async (question: Question) => {
  if (question === 'stop') {
    await app.stop()
    process.disconnect()
    return
  }
  const block = delay.max / 1e6
  const { user, system } = process.cpuUsage()
  const condition: Condition = {
    block,
    cpuMicros: user + system,
    memory: question === 'weigh' ? memoryInUse() : Number.NaN,
  }
  if (question === 'watch') {
    delay.enable()
    delay.reset()
  }
  process.send?.(condition)
})
process.on('disconnect', () => process.exit(0))

process.send?.(await app.start())
