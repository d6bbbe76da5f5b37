import type { DeviceJobKey } from '../job/store/facts.ts'

/** A device job that was found and not called yet; of a job with a budget, with the group of its device. */
export type FoundCall = DeviceJobKey & { readonly group?: string }

/** What was taken to be marked. `from` is where it goes back to, and `frees` how often that had been freed. */
export type TakenCall = DeviceJobKey & { readonly from: Group; readonly frees: number }

type Group = {
  readonly name: string
  /** In the order in which they were found, from `next` on. */
  readonly calls: FoundCall[]
  next: number
  /** For how many there may be room, as far as it is known here: never less than there is. */
  room: number
  /** How many were taken and not answered for. Until they are, the group must not miss that it is freed. */
  taken: number
  /** How often it was freed. */
  frees: number
  /** Its part of `ready`. */
  ready: number
}

/**
 * The device jobs of one job that were found and not called yet, by the groups of its budget; one group without a budget. A
 * group whose room is used up waits until it is freed, however many devices it has. Until then it needs memory, but no query.
 *
 * The rows decide on the room. What is known here only avoids requests that would be refused: the room of a group shrinks
 * by what is taken, is whole again when a call of the group ends anywhere, and is used up after a refusal.
 */
export type WaitingCalls = {
  add(call: FoundCall): void
  /** Up to so many of groups that have room, in turn. Those that `reaches` denies are dropped: they are found again. */
  take(most: number, reaches: (deviceId: string) => boolean): TakenCall[]
  /** The call was marked: it uses the room that it took. */
  marked(call: TakenCall): void
  /** There was no room in its group. Call this before reporting the results of the others that were taken with it. */
  refused(call: TakenCall): void
  /** It goes back to the front, with its room. */
  putBack(call: TakenCall): void
  /** It needs no room: it was called before, or its device is not here any more. */
  drop(call: TakenCall): void
  /** There may be room in the group again, or in all groups. Returns whether a device can be taken that could not be before. */
  free(name?: string): boolean
  /** How many calls could be taken. */
  ready(): number
  isEmpty(): boolean
  /** Whether devices wait for their group. */
  isAnyFull(): boolean
}

/** `budget`: calls in progress at a time in a group, Infinity without a budget. */
export function createWaitingCalls(budget: number): WaitingCalls {
  const groups = new Map<string, Group>()
  /** Those with room for a device that waits. The first has its turn next. */
  const open = new Set<Group>()
  let ready = 0

  const groupOf = (name: string): Group => {
    const known = groups.get(name)
    if (known !== undefined) return known
    const group: Group = { name, calls: [], next: 0, room: budget, taken: 0, frees: 0, ready: 0 }
    groups.set(name, group)
    return group
  }

  /** After every change of a group. One that is not needed is forgotten, and its room is whole when it is back. */
  const settle = (group: Group): void => {
    const waiting = group.calls.length - group.next
    if (waiting === 0 && group.taken === 0) groups.delete(group.name)
    ready -= group.ready
    group.ready = Math.min(waiting, group.room)
    ready += group.ready
    if (group.ready > 0) open.add(group)
    else open.delete(group)
  }

  const takeOne = (group: Group): FoundCall | undefined => {
    const call = group.calls[group.next]
    if (call !== undefined) group.next++
    // Moving the others costs as much as there are, so not for each.
    if (group.next > 1_000 && group.next * 2 > group.calls.length) {
      group.calls.splice(0, group.next)
      group.next = 0
    }
    return call
  }

  const returnTo = (group: Group, { jobId, deviceId }: DeviceJobKey): void => {
    const call = { jobId, deviceId, group: group.name }
    if (group.next > 0) group.calls[--group.next] = call
    else group.calls.unshift(call)
  }

  /** `room` goes back to the group, and `call` to its front. */
  const end = ({ from }: TakenCall, room: number, call?: DeviceJobKey): void => {
    from.taken--
    from.room = Math.min(from.room + room, budget)
    if (call !== undefined) returnTo(from, call)
    settle(from)
  }

  const freeOne = (group: Group): boolean => {
    const before = group.ready
    group.frees++
    group.room = budget
    settle(group)
    return group.ready > before
  }

  return {
    add(call) {
      const group = groupOf(call.group ?? '')
      group.calls.push(call)
      settle(group)
    },
    take(most, reaches) {
      const calls: TakenCall[] = []
      for (const group of open) {
        while (calls.length < most && group.room > 0) {
          const call = takeOne(group)
          if (call === undefined) break
          if (!reaches(call.deviceId)) continue
          group.room--
          group.taken++
          calls.push({ jobId: call.jobId, deviceId: call.deviceId, from: group, frees: group.frees })
        }
        // To the end, for a group that has more than the rest of `most`.
        open.delete(group)
        settle(group)
        if (calls.length >= most) break
      }
      return calls
    },
    marked: (call) => end(call, 0),
    refused(call) {
      // Unless it was freed since: then the refusal may be older.
      if (call.from.frees === call.frees) call.from.room = 0
      end(call, 0, call)
    },
    putBack: (call) => end(call, 1, call),
    drop: (call) => end(call, 1),
    free(name) {
      if (name === undefined) return [...groups.values()].map(freeOne).includes(true)
      const group = groups.get(name)
      return group !== undefined && freeOne(group)
    },
    ready: () => ready,
    isEmpty: () => groups.size === 0,
    isAnyFull: () => open.size < groups.size,
  }
}
