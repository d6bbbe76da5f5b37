import { type DocumentNode, type ExecutionArgs, GraphQLError } from 'graphql'
import type { Authenticator } from '../../access/authenticator-commands.ts'
import type { Right } from '../../access/rights.ts'
import { coversAuthority, type Viewer } from '../../access/viewer.ts'
import type { Clock } from '../../clock.ts'
import { covers } from '../../scope.ts'
import { lacksRight, lostScope } from '../forbidden.ts'
import { rightsNeeded } from '../needs.ts'

/** A subscription that depends on what its viewer may do. */
export type Dependent = {
  /** What was to be executed. */
  readonly operation: Pick<ExecutionArgs, 'schema' | 'document' | 'operationName' | 'variableValues'>
  /** The viewer with which it began, and whose rights and scope its results keep. */
  readonly viewer: Viewer
  /** Ends it with this error. */
  readonly end: (error: GraphQLError) => void
}

/** The open subscriptions of a credential. */
export type Standing = {
  /** Ends the subscription as soon as its viewer has lost what it needs, until the returned function is called. */
  enter(dependent: Dependent): () => void
}

/** The standing of a credential that can be replaced. `review` ends what the viewer may not do any more. */
export function createStanding(): Standing & { review(now: Viewer): void } {
  const open = new Set<Dependent>()
  let current: Viewer | undefined
  const judge = (dependent: Dependent): void => {
    const loss = current && lossOf(dependent, current)
    if (loss === undefined) return
    open.delete(dependent)
    dependent.end(loss)
  }
  return {
    enter(dependent) {
      open.add(dependent)
      // It began with the viewer of a moment ago.
      judge(dependent)
      return () => open.delete(dependent)
    },
    review(now) {
      current = now
      for (const dependent of [...open]) judge(dependent)
    },
  }
}

/** The standing of credentials that stay as they are: what their viewers may do changes with roles and policies only. */
export function standingByRights(
  clock: Clock,
  accepting: Pick<Authenticator, 'refresh' | 'onRightsChanged'>,
): Standing & { close(): void } {
  const reviews = new Set<() => void>()
  const stop = accepting.onRightsChanged(() => void inTurns(clock, reviews, (review) => review()))
  return {
    enter(dependent) {
      const standing = createStanding()
      const review = (): void => {
        const now = accepting.refresh(dependent.viewer)
        if (now !== undefined) {
          standing.review(now)
          return
        }
        leave()
        reviews.delete(review)
        dependent.end(revoked())
      }
      const leave = standing.enter(dependent)
      reviews.add(review)
      review()
      return () => {
        reviews.delete(review)
        leave()
      }
    },
    close: stop,
  }
}

/**
 * Viewers that are reviewed in one turn of the event loop. To find out what a subscription needs takes about 0.1 ms.
 */
const perTurn = 100

/** Does this to all of them; after some, others have their turn. Changed roles may concern thousands of viewers. */
export async function inTurns<Item>(clock: Clock, items: Iterable<Item>, act: (item: Item) => void): Promise<void> {
  let count = 0
  for (const item of items) {
    if (count > 0 && count % perTurn === 0) await clock.giveWay()
    act(item)
    count++
  }
}

/**
 * The error for a subscription that needs what its viewer has lost, undefined while there is nothing of that kind. What
 * the viewer never had is not lost: a field without its right is null with an error in each result.
 */
export function lossOf({ viewer, operation }: Dependent, now: Viewer): GraphQLError | undefined {
  if (coversAuthority(now, viewer)) return undefined
  const lost = needsOf(operation).find((need) => hasOneOf(viewer, need) && !hasOneOf(now, need))
  if (lost !== undefined) return lacksRight(now, 'this subscription', lost)
  return covers(now.scope, viewer.scope) ? undefined : lostScope(now)
}

/** The error for a subscription whose credential is not accepted any more. */
const revoked = (): GraphQLError =>
  new GraphQLError('The key that signed the token has been replaced. Send another token.', {
    extensions: { code: 'TOKEN_INVALID' },
  })

const hasOneOf = ({ rights }: Viewer, need: readonly Right[]): boolean => need.some((right) => rights.has(right))

/** What operations need: thousands of subscriptions with one document may be reviewed at once. */
const known = new WeakMap<DocumentNode, Map<string, readonly (readonly Right[])[]>>()
/** Kept results per document. */
const mostKnown = 100

function needsOf({ schema, document, operationName, variableValues }: Dependent['operation']) {
  const ofDocument = known.get(document) ?? new Map<string, readonly (readonly Right[])[]>()
  const key = JSON.stringify([operationName ?? null, variableValues ?? null])
  const needs = ofDocument.get(key) ?? rightsNeeded(schema, document, operationName, variableValues ?? {})
  if (ofDocument.size < mostKnown) known.set(document, ofDocument.set(key, needs))
  return needs
}
