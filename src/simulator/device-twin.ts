import { setTimeout as sleep } from 'node:timers/promises'
import type { JsonObject } from '../json/json.ts'
import { reportedPatchTopic, twinGetTopic } from '../mqtt/topics.ts'
import { type Deferred, deferred } from './deferred.ts'
import { ConnectionLostError, isTemporaryRefusal, TwinRequestError } from './errors.ts'
import type { FleetContext } from './fleet-context.ts'
import { drawBackOff } from './latency.ts'
import { applyDesired, applyReported, type LocalTwin, reportBack, twinFromDocument, unknownTwin } from './local-twin.ts'
import { publishPacket } from './packets.ts'

const noPayload = Buffer.alloc(0)

/** One device's copy of its twin, and its requests to the hub about it. */
export class DeviceTwin {
  readonly #deviceId: string
  readonly #fleet: FleetContext
  readonly #send: (packet: Buffer) => boolean
  readonly #requests = new Map<string, Deferred<Buffer>>()
  #lastRequest = 0
  #local = unknownTwin
  #isReportingBack = false

  /** `send` returns false when there is no connection. */
  constructor(deviceId: string, fleet: FleetContext, send: (packet: Buffer) => boolean) {
    this.#deviceId = deviceId
    this.#fleet = fleet
    this.#send = send
  }

  get local(): LocalTwin {
    return this.#local
  }

  /** Reads the twin from the hub. Rejects with TwinRequestError or ConnectionLostError. */
  async read(): Promise<LocalTwin> {
    const body = await this.#request(twinGetTopic, noPayload)
    this.#fleet.counters.twinReads++
    const read = twinFromDocument(JSON.parse(body.toString()))
    // A newer notification may have arrived before the answer, and must not be undone.
    this.#local = read.desiredVersion < this.#local.desiredVersion ? { ...this.#local, reported: read.reported } : read
    this.#desiredChanged()
    return this.#local
  }

  /**
   * Reports properties; resolves when the hub has accepted them. Rejects with TwinRequestError or ConnectionLostError.
   */
  async report(patch: JsonObject): Promise<void> {
    await this.#request(reportedPatchTopic, Buffer.from(JSON.stringify(patch)))
    this.#fleet.counters.reportedPatches++
    this.#local = applyReported(this.#local, patch)
  }

  /** The hub has changed desired properties. */
  desiredPatch(version: number, payload: Buffer): void {
    this.#fleet.counters.desiredPatches++
    const before = this.#local
    this.#local = applyDesired(before, JSON.parse(payload.toString()), version)
    if (this.#local !== before) this.#desiredChanged()
  }

  /** The hub has answered a request. An answer to a request of an earlier connection is ignored. */
  answered(rid: string, status: number, payload: Buffer): void {
    const request = this.#requests.get(rid)
    this.#requests.delete(rid)
    // Copied: the waiting code runs after the socket's buffer has been reused.
    if (status < 300) request?.resolve(Buffer.from(payload))
    else request?.reject(new TwinRequestError(this.#deviceId, status, payload.toString()))
  }

  /** The connection is lost, and the answers with it. */
  lost(error: Error): void {
    for (const request of this.#requests.values()) request.reject(error)
    this.#requests.clear()
  }

  #desiredChanged(): void {
    this.#fleet.listeners.onDesired?.(this.#deviceId, this.#local.desired)
    if (!this.#isReportingBack) void this.#reportBack()
  }

  /**
   * Reports until the hub has everything. One report at a time: the properties may be desired to be what they were while
   * their change is being reported. A report that the hub cannot take now is repeated.
   */
  async #reportBack(): Promise<void> {
    this.#isReportingBack = true
    for (let failures = 0; ; ) {
      const patch = reportBack(this.#local, this.#fleet.settings.reportBack)
      if (patch === undefined) break
      try {
        await this.report(patch)
        failures = 0
      } catch (error) {
        if (isTemporaryRefusal(error)) {
          await sleep(drawBackOff(failures++, Math.random), undefined, { ref: false })
          continue
        }
        // Reading the twin on the next connection shows what must still be reported.
        if (error instanceof TwinRequestError) this.#fleet.fail(error)
        break
      }
    }
    this.#isReportingBack = false
  }

  #request(topic: (rid: string) => string, payload: Buffer): Promise<Buffer> {
    const rid = (++this.#lastRequest).toString(16)
    if (!this.#send(publishPacket(topic(rid), payload))) {
      return Promise.reject(new ConnectionLostError(this.#deviceId, 'not connected'))
    }
    const request = deferred<Buffer>()
    this.#requests.set(rid, request)
    return request.promise
  }
}
