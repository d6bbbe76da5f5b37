/** Ids that are remembered for one subscription. */
const maxIds = 10_000

/** The devices that a subscription has sent, as far as they are among the most recent. */
export type SentDevices = {
  add(ids: Iterable<string>): void
  /** Those of the ids that were sent. They are forgotten, so that nothing more is said about these devices. */
  take(ids: readonly string[]): readonly string[]
}

/** Remembers at most this many devices. */
export function createSentDevices(most = maxIds): SentDevices {
  const sent = new Set<string>()
  return {
    add(ids) {
      for (const id of ids) {
        sent.delete(id) // Moves it to the end.
        sent.add(id)
      }
      for (const id of sent) {
        if (sent.size <= most) break
        sent.delete(id)
      }
    },
    take: (ids) => ids.filter((id) => sent.delete(id)),
  }
}
