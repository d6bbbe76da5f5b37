/** One method request on its way to one device. `payload` is JSON text, never empty. */
export type MethodRequest = {
  readonly deviceId: string
  readonly requestId: string
  readonly methodName: string
  readonly payload: string
}

/** Passes a request to the device's connection. */
export type Deliver = (request: MethodRequest) => void

/**
 * The devices that can be called through this process: connected to it and subscribed to methods. MQTT attaches them,
 * the scheduler and interactive calls reach them; neither knows the other. Losing this record costs nothing: devices
 * attach again when they reconnect, and their waiting calls are in the database.
 */
export type AttachedDevices = {
  /** A newer attachment of the same device replaces an older one. Returns a function that detaches exactly this one. */
  attach(deviceId: string, deliver: Deliver): () => void
  reaches(deviceId: string): boolean
  /** False: the device is not connected here and nothing was sent. */
  deliver(request: MethodRequest): boolean
  /** Counts an interactive call to the device as under way, until the returned function is called. */
  hold(deviceId: string): () => void
  /** The devices with interactive calls under way. */
  held(): Iterable<string>
  /** Calls `listener` with every device that attaches from now on. Returns a function that removes it. */
  onAttach(listener: (deviceId: string) => void): () => void
  /** How many devices can be called here. */
  readonly size: number
  /** Their ids. */
  ids(): Iterable<string>
}

export function createAttachedDevices(): AttachedDevices {
  const attached = new Map<string, Deliver>()
  const held = new Set<{ readonly deviceId: string }>()
  const listeners = new Set<(deviceId: string) => void>()
  return {
    attach(deviceId, deliver) {
      attached.set(deviceId, deliver)
      for (const listener of listeners) listener(deviceId)
      return () => {
        if (attached.get(deviceId) === deliver) attached.delete(deviceId)
      }
    },
    reaches: (deviceId) => attached.has(deviceId),
    deliver(request) {
      const deliver = attached.get(request.deviceId)
      if (deliver === undefined) return false
      deliver(request)
      return true
    },
    hold(deviceId) {
      const call = { deviceId }
      held.add(call)
      return () => held.delete(call)
    },
    *held() {
      for (const { deviceId } of held) yield deviceId
    },
    onAttach(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    get size() {
      return attached.size
    },
    ids: () => attached.keys(),
  }
}
