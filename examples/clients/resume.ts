import { type Message, MessageType } from 'graphql-ws'

// #region resume
/**
 * Makes subscriptions continue where they were. Give one the variable `after: null`: whenever graphql-ws connects
 * again, it becomes the position of the last result, so nothing is missing and nothing comes twice. The position is the
 * `cursor` of `deviceJobEnded`, or the `version` of `deviceJobStatistics`.
 */
export function createPositions() {
  /** The positions of operations, by their ids. */
  const positions = new Map<string, unknown>()
  return {
    /** Keeps the position of a result. */
    incoming(message: Message): void {
      if (message.type === MessageType.Next) {
        const position = positionIn(message.payload.data)
        if (position !== undefined) positions.set(message.id, position)
      } else if (message.type === MessageType.Complete || message.type === MessageType.Error) {
        positions.delete(message.id)
      }
    },
    /** The message to send. After a reconnection, graphql-ws sends the first `subscribe` of an operation again. */
    outgoing(message: Message): Message {
      if (message.type === MessageType.Complete) positions.delete(message.id)
      if (message.type !== MessageType.Subscribe || !positions.has(message.id)) return message
      const { variables, ...payload } = message.payload
      if (!variables || !('after' in variables)) return message
      return { ...message, payload: { ...payload, variables: { ...variables, after: positions.get(message.id) } } }
    },
  }
}

/** The position in a result: it is a member of the only field of a subscription. */
function positionIn(data: unknown): unknown {
  if (typeof data !== 'object' || data === null) return undefined
  const [result]: unknown[] = Object.values(data)
  if (typeof result !== 'object' || result === null) return undefined
  if ('cursor' in result) return result.cursor
  return 'version' in result ? result.version : undefined
}
// #endregion
