import { Readable } from 'node:stream'

/**
 * The broker's message bus, which accepts everything and delivers nothing. The hub sends to single clients only, so
 * whatever a device publishes or subscribes to, no other device can receive it. `done` is called later, never at once:
 * the parser may still be using the packet.
 */
export const createUnroutedBus = () => ({
  on: (_topic: string, _listener: unknown, done?: () => void): void => done?.(),
  removeListener: (_topic: string, _listener: unknown, done?: () => void): void => done?.(),
  emit: (_packet: unknown, done: () => void): void => queueMicrotask(done),
  close: (done: () => void): void => done(),
})

const nothing = async (): Promise<void> => {}
const none = async (): Promise<readonly never[]> => []
const emptyStream = (): Readable => Readable.from([])

/**
 * The broker's persistence except for the sessions (session-persistence.ts): no retained messages, no queues, no wills.
 * Nothing that devices send can grow in it.
 */
export const createBlankPersistence = () => ({
  // The broker requires an async function here.
  async setup(): Promise<void> {},
  storeRetained: nothing,
  createRetainedStream: emptyStream,
  createRetainedStreamCombi: emptyStream,
  subscriptionsByTopic: none,
  outgoingEnqueue: nothing,
  outgoingEnqueueCombi: nothing,
  outgoingUpdate: nothing,
  outgoingClearMessageId: nothing,
  outgoingStream: emptyStream,
  incomingStorePacket: nothing,
  /** A rejection means that the packet does not exist. */
  incomingGetPacket: () => Promise.reject(new Error('No packet is kept.')),
  incomingDelPacket: nothing,
  cleanIncoming: nothing,
  putWill: nothing,
  getWill: nothing,
  delWill: nothing,
  streamWill: emptyStream,
})
