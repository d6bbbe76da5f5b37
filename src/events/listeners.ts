import { setMaxListeners } from 'node:events'

/** An event target that counts the listeners of each name. */
export function countListeners(): { readonly eventTarget: EventTarget; readonly heard: ReadonlyMap<string, number> } {
  const target = new EventTarget()
  setMaxListeners(0, target) // one listener per subscriber: a thousand are not a leak
  const heard = new Map<string, number>()
  const eventTarget: EventTarget = {
    addEventListener(name, listener) {
      heard.set(name, (heard.get(name) ?? 0) + 1)
      target.addEventListener(name, listener)
    },
    removeEventListener(name, listener) {
      const others = (heard.get(name) ?? 0) - 1
      if (others > 0) heard.set(name, others)
      else heard.delete(name)
      target.removeEventListener(name, listener)
    },
    dispatchEvent: (event) => target.dispatchEvent(event),
  }
  return { eventTarget, heard }
}

/**
 * Shares one listener of the event target among all listeners of the same name. Thousands of listeners on an event
 * target cost more than the work they do.
 */
export function shareListeners(target: EventTarget): (name: string, hear: (event: CustomEvent) => void) => () => void {
  const hearers = new Map<string, { readonly all: Set<(event: CustomEvent) => void>; stop(): void }>()

  const open = (name: string) => {
    const all = new Set<(event: CustomEvent) => void>()
    const listener = (event: Event): void => {
      if (event instanceof CustomEvent) for (const hear of all) hear(event)
    }
    target.addEventListener(name, listener)
    const stop = (): void => {
      target.removeEventListener(name, listener)
      hearers.delete(name)
    }
    hearers.set(name, { all, stop })
    return { all, stop }
  }
  return (name, hear) => {
    const { all, stop } = hearers.get(name) ?? open(name)
    all.add(hear)
    return () => {
      if (all.delete(hear) && all.size === 0) stop()
    }
  }
}
