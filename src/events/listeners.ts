import { setMaxListeners } from 'node:events'

/** An event target that counts the listeners of each name, and says when a name gets its first one and loses its last. */
export function countListeners(changed: (name: string, isAny: boolean) => void): {
  readonly eventTarget: EventTarget
  readonly listenerCounts: ReadonlyMap<string, number>
} {
  const target = new EventTarget()
  setMaxListeners(0, target) // one listener per subscriber: a thousand are not a leak
  const listenerCounts = new Map<string, number>()
  const eventTarget: EventTarget = {
    addEventListener(name, listener) {
      const count = (listenerCounts.get(name) ?? 0) + 1
      listenerCounts.set(name, count)
      target.addEventListener(name, listener)
      if (count === 1) changed(name, true)
    },
    removeEventListener(name, listener) {
      const others = (listenerCounts.get(name) ?? 0) - 1
      if (others > 0) listenerCounts.set(name, others)
      else listenerCounts.delete(name)
      target.removeEventListener(name, listener)
      if (others === 0) changed(name, false)
    },
    dispatchEvent: (event) => target.dispatchEvent(event),
  }
  return { eventTarget, listenerCounts }
}

/**
 * Shares one listener of the event target among all listeners of the same name. Thousands of listeners on an event
 * target cost more than the work they do.
 */
export function shareListeners(
  target: EventTarget,
): (name: string, listener: (event: CustomEvent) => void) => () => void {
  const shared = new Map<string, { readonly all: Set<(event: CustomEvent) => void>; stop(): void }>()

  const open = (name: string) => {
    const all = new Set<(event: CustomEvent) => void>()
    const listener = (event: Event): void => {
      if (event instanceof CustomEvent) for (const one of all) one(event)
    }
    target.addEventListener(name, listener)
    const stop = (): void => {
      target.removeEventListener(name, listener)
      shared.delete(name)
    }
    shared.set(name, { all, stop })
    return { all, stop }
  }
  return (name, listener) => {
    const { all, stop } = shared.get(name) ?? open(name)
    all.add(listener)
    return () => {
      if (all.delete(listener) && all.size === 0) stop()
    }
  }
}
