import { Readable } from 'node:stream'

/**
 * What the broker believes to be its message bus: it takes everything and delivers nothing. The device door sends to
 * single clients only, so that whatever a device publishes or subscribes to, no other device can ever hear of it.
 * `done` is called later, never at once: the packet that ends here may still be in the hands of the parser.
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
 * What the broker believes to be its memory, but for the sessions (session-persistence.ts): no retained messages, no
 * queues, no wills. Nothing that devices send can grow in it.
 */
export const createBlankPersistence = () => ({
  // The broker insists on an async function here.
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
  /** A rejection says that the packet is not there. */
  incomingGetPacket: () => Promise.reject(new Error('No packet is kept.')),
  incomingDelPacket: nothing,
  cleanIncoming: nothing,
  putWill: nothing,
  getWill: nothing,
  delWill: nothing,
  streamWill: emptyStream,
})
