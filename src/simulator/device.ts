import { signSasToken } from '../access/sas.ts'
import {
  desiredPatchesFilter,
  methodResponseTopic,
  methodsFilter,
  parseDelivery,
  twinResponsesFilter,
} from '../mqtt/topics.ts'
import { type Answering, answeringOf, type PreparedAnswer, prepareAnswer, type SimulatedDevice } from './behaviour.ts'
import { type Deferred, deferred } from './deferred.ts'
import { DeviceTwin } from './device-twin.ts'
import { ConnectionLostError, ConnectRefusedError, isFinal, isReported, SubscribeRefusedError } from './errors.ts'
import type { FleetContext } from './fleet-context.ts'
import { drawBackOff, drawLatency } from './latency.ts'
import { Link, type LinkHandler } from './mqtt-connection.ts'
import { connectPacket, disconnectPacket, pingRequestPacket, publishPacket, subscribePacket } from './packets.ts'
import type { LedgerEntry } from './received-calls.ts'

const filters = [methodsFilter, twinResponsesFilter, desiredPatchesFilter]
/** The query that the Azure device SDK appends to the identity in its user name. */
const userNameQuery = `?api-version=2021-04-12&DeviceClientType=${encodeURIComponent('twincast-simulator')}`
/** How long a hub may take to close its side after DISCONNECT; a dead or frozen hub never does. */
const farewellMs = 2_000

/**
 * One simulated device: it connects like the Azure device SDK, answers method calls according to its behaviour, keeps
 * its twin, and reconnects when its connection breaks. It has at most one connection, and opens the next only after the
 * last one is closed.
 */
export class Device implements LinkHandler {
  readonly identity: SimulatedDevice
  readonly twin: DeviceTwin
  readonly #fleet: FleetContext
  #answer: PreparedAnswer | undefined
  #link: Link | undefined
  /** Whether it should be connected, now or after a pause. */
  #wanted = false
  /** Connected: subscribed, and with its twin read if it reads it. */
  #ready = false
  #awaitingPong = false
  #failures = 0
  #failure: Error | undefined
  /**
   * Ends the current phase: the handshake, the pause before the next attempt, the wait for the close, or the connected
   * time of a flapping device.
   */
  #timer: NodeJS.Timeout | undefined
  #opening: Deferred<void> | undefined
  #closing: Deferred<void> | undefined

  constructor(identity: SimulatedDevice, fleet: FleetContext) {
    this.identity = identity
    this.#fleet = fleet
    this.#answer = prepareAnswer(answeringOf(identity.behaviour))
    this.twin = new DeviceTwin(identity.deviceId, fleet, (packet) => this.#link?.send(packet) ?? false)
  }

  get connected(): boolean {
    return this.#ready
  }

  /** Why the last attempt to connect failed, until one succeeds. */
  get lastFailure(): Error | undefined {
    return this.#failure
  }

  /** Changes how it answers from now on. */
  answerWith(answering: Answering): void {
    this.#answer = prepareAnswer(answering)
  }

  /**
   * Connects. If the fleet reconnects, it tries until it succeeds, is refused for good (ConnectRefusedError,
   * SubscribeRefusedError) or is closed (ConnectionLostError); otherwise the first failure rejects.
   */
  open(): Promise<void> {
    if (this.#ready && this.#wanted) return Promise.resolve()
    this.#opening ??= deferred()
    if (!this.#wanted) {
      this.#wanted = true
      if (this.#link === undefined) this.#dial()
    }
    return this.#opening.promise
  }

  /** Disconnects and stays disconnected until opened again. Resolves when the connection is closed. */
  close(): Promise<void> {
    this.#wanted = false
    this.#settleOpening(this.#lost('closed before it was connected'))
    if (this.#closing !== undefined) return this.#closing.promise
    clearTimeout(this.#timer)
    const link = this.#link
    if (link === undefined) return Promise.resolve()
    this.#closing = deferred()
    if (this.#ready) link.end(disconnectPacket)
    else link.cut()
    this.#timer = setTimeout(() => link.cut(), farewellMs)
    return this.#closing.promise
  }

  /** Loses the connection as if the cable were cut, and reconnects if the fleet does. */
  drop(): void {
    this.#link?.cut(this.#lost('dropped intentionally'))
  }

  /** Sends PINGREQ. If the last one has not been answered, the connection is dead and is cut instead. */
  ping(): void {
    if (!this.#ready) return
    if (this.#awaitingPong) this.#link?.cut(this.#lost('no answer to PINGREQ'))
    else this.#awaitingPong = this.#link?.send(pingRequestPacket) ?? false
  }

  connack(sessionPresent: boolean, returnCode: number): void {
    if (returnCode !== 0) this.#link?.cut(new ConnectRefusedError(this.identity.deviceId, returnCode))
    // Like the SDK, a device does not subscribe again if the hub has kept its session.
    else if (sessionPresent) this.#subscribed()
    else this.#link?.send(subscribePacket(1, filters))
  }

  suback(returnCodes: readonly number[]): void {
    const refused = filters.filter((_, index) => returnCodes[index] !== 0)
    if (refused.length > 0) this.#link?.cut(new SubscribeRefusedError(this.identity.deviceId, refused))
    else this.#subscribed()
  }

  publish(topic: string, payload: Buffer): void {
    const delivery = parseDelivery(topic)
    switch (delivery?.kind) {
      case 'methodRequest':
        this.#methodRequested(delivery.name, delivery.rid, payload)
        return
      case 'desiredPatch':
        this.twin.desiredPatch(delivery.version, payload)
        return
      case 'twinResponse':
        this.twin.answered(delivery.rid, delivery.status, payload)
    }
  }

  pingresp(): void {
    this.#awaitingPong = false
  }

  closed(error: Error | undefined): void {
    clearTimeout(this.#timer)
    const wasReady = this.#ready
    const closing = this.#closing
    this.#link = undefined
    this.#ready = false
    this.#closing = undefined
    if (wasReady) this.#fleet.counters.connected--
    const failure = isReported(error)
      ? error
      : this.#lost(wasReady ? 'the connection was lost' : 'the connection failed', error)
    this.twin.lost(failure)
    if (closing !== undefined) {
      closing.resolve()
      // Opened again while it was closing.
      if (this.#wanted) this.#dial()
      return
    }
    if (wasReady) this.#fleet.counters.drops++
    this.#failure = failure
    this.#comeBack(failure, wasReady)
  }

  #comeBack(failure: Error, wasReady: boolean): void {
    const { behaviour } = this.identity
    const flaps = behaviour.kind === 'flapping'
    if (isFinal(failure) || !(this.#fleet.settings.reconnect || flaps)) {
      this.#wanted = false
      if (this.#opening === undefined) this.#fleet.fail(failure)
      else this.#settleOpening(failure)
      return
    }
    const pause = flaps && wasReady ? behaviour.downMs : drawBackOff(this.#failures++, Math.random)
    this.#timer = setTimeout(() => this.#dial(), pause)
  }

  #dial(): void {
    const { endpoint, settings } = this.#fleet
    const { deviceId, primaryKey } = this.identity
    const link = new Link(endpoint, this)
    this.#link = link
    this.#awaitingPong = false
    this.#timer = setTimeout(() => link.cut(this.#lost('the hub did not respond in time')), settings.handshakeTimeoutMs)
    link.send(
      connectPacket({
        clientId: deviceId,
        userName: `${settings.hubName}/${deviceId}/${userNameQuery}`,
        password: signSasToken({
          resource: encodeURIComponent(`${settings.hubName}/devices/${deviceId}`),
          key: primaryKey,
          expiry: Math.floor(Date.now() / 1000) + settings.tokenLifetimeSeconds,
        }),
        keepAliveSeconds: settings.keepAliveSeconds,
        cleanSession: settings.cleanSession,
      }),
    )
  }

  #subscribed(): void {
    if (!this.#fleet.settings.readTwin) {
      this.#becomeReady()
      return
    }
    const link = this.#link
    this.twin.read().then(
      () => {
        if (this.#link === link) this.#becomeReady()
      },
      (error: Error) => link?.cut(error),
    )
  }

  #becomeReady(): void {
    if (!this.#wanted) return
    clearTimeout(this.#timer)
    this.#ready = true
    this.#failures = 0
    this.#failure = undefined
    this.#fleet.counters.connected++
    this.#fleet.counters.connections++
    const { behaviour } = this.identity
    // Randomized, so that flapping devices do not flap together.
    if (behaviour.kind === 'flapping') {
      this.#timer = setTimeout(() => this.drop(), behaviour.upMs * (0.5 + Math.random()))
    }
    this.#settleOpening()
  }

  #methodRequested(methodName: string, rid: string, payload: Buffer): void {
    const { counters, ledger, listeners } = this.#fleet
    const entry: LedgerEntry = { deviceId: this.identity.deviceId, rid, methodName, time: Date.now() }
    counters.methodsReceived++
    ledger.record(entry)
    listeners.onMethodRequest?.(entry, payload.toString())
    const answer = this.#answer
    if (answer === undefined) return
    const packet = publishPacket(methodResponseTopic(answer.status, rid), answer.payload)
    const delay = drawLatency(answer.delayMs, Math.random)
    const link = this.#link
    const send = (): void => {
      entry.answeredTime = Date.now()
      listeners.onMethodAnswer?.(entry)
      this.#sendAnswer(link, packet)
    }
    if (delay > 0) setTimeout(send, delay).unref()
    else send()
  }

  /** A device that lost its connection while it worked answers on its next one, if it has it by then. */
  #sendAnswer(link: Link | undefined, packet: Buffer): void {
    if ((this.#ready ? this.#link : link)?.send(packet)) this.#fleet.counters.methodsAnswered++
  }

  #settleOpening(error?: Error): void {
    if (error === undefined) this.#opening?.resolve()
    else this.#opening?.reject(error)
    this.#opening = undefined
  }

  #lost(what: string, cause?: Error): ConnectionLostError {
    return new ConnectionLostError(this.identity.deviceId, what, cause)
  }
}
