import { pause } from '../../src/cli/abortable.ts'
import type { Landscape } from './landscape.ts'
import { type Disturbance, gateways, type MemberName, type Planned } from './plan.ts'

/** A disturbance in a few words. */
function describe(disturbance: Disturbance): string {
  switch (disturbance.kind) {
    case 'kill':
      return `kills ${disturbance.member}, and starts it ${seconds(disturbance)} later`
    case 'freeze':
      return `freezes ${disturbance.member} for ${seconds(disturbance)}`
    case 'half-open':
      return `cuts the connections of the devices at ${disturbance.member} without notice, for ${seconds(disturbance)}`
    case 'partition': {
      const places = { bus: 'the bus', database: 'the database', both: 'the bus and the database' }
      return `cuts ${disturbance.member} off from ${places[disturbance.from]} (${disturbance.how}) for ${seconds(disturbance)}`
    }
    case 'nats':
      return `stops NATS for ${seconds(disturbance)}`
    case 'rolling restart':
      return 'restarts the gateways, one after the other'
  }
}

const seconds = (disturbance: { readonly seconds: number }): string => `${disturbance.seconds.toFixed(1)} s`

/**
 * Does what is planned, each at its time, or when the instance is ready for it. Resolves when everything is as it was before.
 * Rejects when an instance cannot be started.
 */
export async function disturb(
  landscape: Landscape,
  plan: readonly Planned[],
  { signal, say }: { readonly signal: AbortSignal; say(line: string): void },
): Promise<void> {
  const start = performance.now()
  const elapsed = (): number => (performance.now() - start) / 1_000
  /** What is under way at each instance. */
  const last = new Map<MemberName | 'nats', Promise<void>>()
  const all: Promise<void>[] = []
  for (const { at, disturbance } of plan) {
    await pause(Math.max(0, at - elapsed()) * 1_000, signal)
    const places = placesOf(disturbance)
    const before = places.map((place) => last.get(place))
    const done = Promise.all(before).then(() => {
      say(`${elapsed().toFixed(1).padStart(6)} s  ${describe(disturbance)}`)
      return perform(landscape, disturbance, signal)
    })
    for (const place of places) last.set(place, done)
    done.catch(() => {}) // awaited below
    all.push(done)
  }
  await Promise.all(all)
}

function placesOf(disturbance: Disturbance): readonly (MemberName | 'nats')[] {
  if (disturbance.kind === 'nats') return ['nats']
  return disturbance.kind === 'rolling restart' ? gateways : [disturbance.member]
}

async function perform(landscape: Landscape, disturbance: Disturbance, signal: AbortSignal): Promise<void> {
  if (disturbance.kind === 'nats') {
    await Promise.all(landscape.nats.map((server) => server.stop()))
    await pause(disturbance.seconds * 1_000, signal)
    await Promise.all(landscape.nats.map((server) => server.start()))
    return
  }
  if (disturbance.kind === 'rolling restart') {
    for (const name of gateways) {
      const member = landscape.member(name)
      await member.stop()
      await member.start()
    }
    return
  }
  const member = landscape.member(disturbance.member)
  switch (disturbance.kind) {
    case 'kill':
      await member.kill()
      break
    case 'freeze':
      member.hub().freeze()
      break
    case 'half-open':
      member.halfOpen()
      break
    case 'partition':
      await member.partition(disturbance)
  }
  await pause(disturbance.seconds * 1_000, signal)
  if (disturbance.kind === 'kill') await member.start()
  else if (disturbance.kind === 'freeze') member.hub().thaw()
  else await member.heal()
}
