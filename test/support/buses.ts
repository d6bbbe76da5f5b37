import { type Bus, createBus } from '../../src/bus/bus.ts'
import type { Clock } from '../../src/clock.ts'

/** The buses of instances that hear each other at once. */
export function connectedBuses(clock: Clock, count: number): Bus[] {
  const members = Array.from({ length: count }, () => ({ bus: createBus(clock), subjects: new Set<string>() }))
  for (const member of members) {
    member.bus.connect({
      send(subject, text) {
        for (const other of members) {
          if (other !== member && other.subjects.has(subject)) other.bus.receive(subject, text)
        }
        return true
      },
      listen: (subject) => member.subjects.add(subject),
      unlisten: (subject) => member.subjects.delete(subject),
    })
  }
  return members.map(({ bus }) => bus)
}
