import { setMaxListeners } from 'node:events'
import { initContextCache } from '@pothos/core'
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, type GraphQLError, print } from 'graphql'
import { AnswerBudget, type PassedHold } from '../../limits/answer-budget.ts'
import { type Context, isContext } from '../context.ts'
import { costOf, withCost } from '../cost.ts'
import type { Execute } from '../transport/execute.ts'
import type { Mask } from '../transport/mask-errors.ts'
import { maySelectKeys } from '../transport/may-select-keys.ts'
import { bytesOf } from '../transport/print-result.ts'
import { eventIdOf, setEventId } from './event-id.ts'
import { releaseAnswer } from './read-documents.ts'
import { createSource, isSource, type Shortcut, type Sink, type Source } from './source.ts'
import { executeThroughOutage } from './through-outage.ts'

/** The answer to a subscription: its results, or the one result that refuses it. */
export type Subscribed = Source<ExecutionResult> | ExecutionResult

/** Runs a subscription. Its context must be a `Context`. */
export type Subscribe = (args: ExecutionArgs) => Promise<Subscribed>

type Result = ExecutionResult | Promise<ExecutionResult>

/** Equal subscriptions with the same rights, and the result of each of their rows. */
type Group = {
  /** The callers of its subscriptions, with their number. A read for all of them is counted by one of them. */
  readonly callers: Map<string, number>
  readonly results: WeakMap<object, Result>
  /** The last of them, which nearly every call asks for. */
  last: { readonly row: object; readonly result: Result } | undefined
  readonly left: AbortController
}

/**
 * Runs subscriptions like `subscribe` of graphql, but executes each row once for all equal subscriptions: the same
 * text, operation, variables, rights and scope. The row object is the key, so subscriptions with rows from
 * `sharedReads` share executions, and a row of a single subscription has its own. Every error goes through `mask` once.
 */
export function createSharedSubscribe(execute: Execute, mask: Mask): Subscribe {
  const groups = new Map<string, { readonly key: string; readonly group: Group; members: number }>()

  const createGroup = (): Group => {
    const left = new AbortController()
    setMaxListeners(0, left.signal) // one listener per read in progress: a thousand are not a leak
    return { callers: new Map(), results: new WeakMap(), last: undefined, left }
  }
  const join = (key: string, caller: string): { readonly group: Group; leave(): void } => {
    // The text of a key is long. All members have that of the first one.
    const entry = groups.get(key) ?? { key, group: createGroup(), members: 0 }
    groups.set(key, entry)
    entry.members++
    const { callers } = entry.group
    callers.set(caller, (callers.get(caller) ?? 0) + 1)
    let joined = true
    return {
      group: entry.group,
      leave() {
        if (!joined) return
        joined = false
        const others = (callers.get(caller) ?? 0) - 1
        if (others > 0) callers.set(caller, others)
        else callers.delete(caller)
        if (--entry.members > 0) return
        groups.delete(entry.key)
        entry.group.left.abort()
      },
    }
  }
  const masked = (result: ExecutionResult): ExecutionResult =>
    result.errors === undefined ? result : { ...result, errors: result.errors.map((error) => mask(error)) }

  return async (args) => {
    // The context that is given is not kept for as long as the subscription lasts: functions below must not use it.
    const { contextValue: _given, ...operation } = args
    const context = contextIn(args)
    const { deps, answer, record, signal: asked } = context
    const { group, leave: leaveGroup } = join(keyOf(operation, context), context.caller)
    /** The error when the viewer has lost what this subscription needs, until it is sent. */
    let loss: GraphQLError | undefined
    let endRows = (): void => {}
    const leaveStanding = context.standing.enter({
      operation,
      viewer: context.viewer,
      end(error) {
        loss = error
        endRows()
      },
    })
    const leave = (): void => {
      leaveGroup()
      leaveStanding()
    }
    const takeLoss = (): ExecutionResult | undefined => {
      const last = loss && { errors: [loss] }
      loss = undefined
      return last
    }
    // The signal is that of the group: what one subscriber has begun, others wait for. A read for all of them takes room
    // once. The first rows are refused like a request when there is no room; later ones wait for it.
    const { signal } = group.left
    let isOpen = false
    const takeRoom = (): Promise<PassedHold> => {
      const { answerRoom } = deps
      const caller = answerRoom.roomiest(group.callers.keys())
      const { maximum } = answer
      return isOpen
        ? answerRoom.enterPatiently(caller, maximum, signal)
        : answerRoom.enter(caller, maximum, AbortSignal.any([signal, asked]))
    }
    const newAnswer = (): AnswerBudget => new AnswerBudget(answer.maximum, takeRoom)
    const contextValue = { ...context, ...initContextCache(), answer: newAnswer(), newAnswer, group, signal }
    /** Plugins of the schema remember their checks by the context, which thousands of subscriptions keep. */
    const forgetChecks = () => Object.assign(contextValue, initContextCache())
    const cost = context.wantsCost ? costOf(operation) : undefined

    const shown = (result: ExecutionResult): ExecutionResult => withCost(masked(result), cost)
    const executeRow = (row: object): Result => {
      const run = () => {
        contextValue.answer.release() // that of an attempt during an outage
        contextValue.answer = newAnswer()
        forgetChecks()
        return execute({ ...operation, rootValue: row, contextValue })
      }
      const id = eventIdOf(row)
      const finished = (result: ExecutionResult): ExecutionResult =>
        id === undefined ? shown(result) : setEventId(shown(result), id)
      const result = run()
      if (!('then' in result)) return finished(result)
      const later = executeThroughOutage(contextValue, result, run).then(async (executed) => {
        const { answer: read } = contextValue
        if (read.isLarge) await read.complete(() => bytesOf(executed))
        return finished(executed)
      })
      const release = (): void => releaseAnswer(contextValue, contextValue.answer, () => forget(row))
      later.then(release, release)
      // Later subscribers use the value without waiting. Subscribers that wait receive the error.
      later.then(
        (value) => keep(row, value),
        () => {},
      )
      return later
    }
    /** A large result is not kept for late subscribers, who wait for room themselves. */
    const forget = (row: object): void => {
      group.results.delete(row)
      if (group.last?.row === row) group.last = undefined
    }
    const keep = (row: object, result: Result): Result => {
      group.results.set(row, result)
      group.last = { row, result }
      return result
    }
    const resultOf = (row: object): Result =>
      group.last?.row === row ? group.last.result : keep(row, group.results.get(row) ?? executeRow(row))
    // A client that disconnects before the first rows are read leaves the group here: it has no source to end yet.
    asked.addEventListener('abort', leave, { once: true })
    try {
      if (asked.aborted) leave()
      const begin = () => createSourceEventStream({ ...operation, contextValue })
      const rows = await executeThroughOutage(contextValue, begin(), begin)
      isOpen = true
      forgetChecks()
      if (isSource(rows)) {
        endRows = () => void rows.return()
        if (loss !== undefined) endRows()
        return mapRows(rows, { resultOf, mask, leave, takeLoss })
      }
      if (Symbol.asyncIterator in rows) throw new Error('The rows of a subscription must come from `pacedRows`.')
      leave()
      return shown(rows)
    } catch (error) {
      leave()
      throw mask(error, record?.id)
    } finally {
      asked.removeEventListener('abort', leave)
    }
  }
}

/**
 * The key of equal subscriptions. Variables are compared as they were written. Subscriptions that may select keys of
 * devices are shared by one caller only, because the audit names who reads keys.
 */
function keyOf({ document, operationName, variableValues }: ExecutionArgs, context: Context): string {
  const { viewer, caller, wantsCost } = context
  const text = document.loc?.source.body ?? print(document)
  const reader = maySelectKeys(document) ? caller : null
  return JSON.stringify([text, operationName ?? null, variableValues ?? null, viewer.authority, reader, wantsCost])
}

/** The context of a subscription. */
export function contextIn({ contextValue }: ExecutionArgs): Context {
  if (!isContext(contextValue)) throw new Error('A subscription has no context.')
  return contextValue
}

/**
 * The results of rows, each executed when it is requested. `leave` is called at every kind of end. A result of
 * `takeLoss` is the last one, whatever was to be sent.
 */
function mapRows(
  rows: Source<unknown>,
  {
    resultOf,
    mask,
    leave,
    takeLoss,
  }: {
    readonly resultOf: (row: object) => Result
    readonly mask: (error: unknown) => GraphQLError
    readonly leave: () => void
    readonly takeLoss: () => ExecutionResult | undefined
  },
): Source<ExecutionResult> {
  let sink: Sink<ExecutionResult> | undefined
  const end = (): void => {
    leave()
    void rows.return()
  }
  const fail = (error: unknown): void => {
    end()
    const last = takeLoss()
    if (last === undefined) sink?.fail(mask(error))
    else sink?.next(last)
  }
  // Called from a promise without a handler: an error thrown here would end the process.
  const give = (result: ExecutionResult): void => {
    try {
      sink?.next(takeLoss() ?? result)
    } catch (error) {
      fail(error)
    }
  }
  const resultOfRow = (row: unknown): Result => {
    if (typeof row !== 'object' || row === null) throw new Error('The rows of a subscription must be objects.')
    return resultOf(row)
  }
  const shortcutFor = ({ wire, messageOf }: Shortcut<ExecutionResult>): Shortcut<unknown> => ({
    wire,
    messageOf(row) {
      const result = resultOfRow(row)
      return result instanceof Promise ? result.then(messageOf) : messageOf(result)
    },
  })
  const sinkFor = (shortcut: Shortcut<ExecutionResult> | undefined): Sink<unknown> => ({
    shortcut: shortcut && shortcutFor(shortcut),
    next(row) {
      try {
        const result = resultOfRow(row)
        if (result instanceof Promise) result.then(give, fail)
        else give(result)
      } catch (error) {
        fail(error)
      }
    },
    done() {
      leave()
      const last = takeLoss()
      if (last === undefined) sink?.done()
      else sink?.next(last)
    },
    fail,
  })
  // One sink for all rows: a new one for each row would be garbage by the thousand.
  let rowSink: Sink<unknown> | undefined
  return createSource<ExecutionResult>((taker) => {
    sink = taker
    rowSink ??= sinkFor(taker.shortcut)
    rows.take(rowSink)
  }, end)
}
