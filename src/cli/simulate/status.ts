import type { FleetStats } from '../../simulator/fleet.ts'
import { number } from '../terminal/words.ts'

/** The status of a running fleet in one line. `expected` is the number of devices that should be connected. */
export function statusLine(stats: FleetStats, expected: number): string {
  const parts = [
    `connected ${number(stats.connected)} of ${number(expected)}`,
    `method calls ${number(stats.methodsReceived)} received, ${number(stats.methodsAnswered)} answered`,
    `desired patches ${number(stats.desiredPatches)}`,
  ]
  if (stats.drops > 0) parts.push(`connections lost ${number(stats.drops)}`)
  if (stats.errors > 0) parts.push(`errors ${number(stats.errors)}`)
  return parts.join('; ')
}
