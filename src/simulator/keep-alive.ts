import type { Device } from './device.ts'

/**
 * Pings every device of a fleet twice per keep-alive time, with one timer for all: each tick takes the next few devices
 * in turn, so that the pings of 10,000 devices are spread and not sent at once. A device thus has half the keep-alive
 * time to get an answer. Returns a function that stops it.
 */
export const startKeepAlive = (devices: readonly Pick<Device, 'ping'>[], keepAliveSeconds: number): (() => void) => {
  if (keepAliveSeconds === 0) return () => {}
  const round = keepAliveSeconds * 500
  const ticks = Math.max(4, Math.round(round / 1000))
  let tick = 0
  const timer = setInterval(() => {
    const from = Math.floor((tick * devices.length) / ticks)
    const to = Math.floor(((tick + 1) * devices.length) / ticks)
    for (const device of devices.slice(from, to)) device.ping()
    tick = (tick + 1) % ticks
  }, round / ticks)
  timer.unref()
  return () => clearInterval(timer)
}
