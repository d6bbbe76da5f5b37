import { useCallback, useEffect, useState } from 'react'
import { useClient } from 'urql'
import type { ScheduleMatchQuery } from '../../../generated/console/graphql.ts'
import { type ConditionFault, faultFrom, isAtEnd } from '../../condition/fault.ts'
import { endsInWord } from '../../condition/tokens.ts'
import { describeError } from '../../ui/describe-error.ts'
import { ScheduleMatchDocument } from './documents.ts'

type Result = NonNullable<ScheduleMatchQuery['previewJob']>

/** The devices that match a condition. */
export type Match = Extract<Result, { __typename: 'JobPreview' }>

/** Why the devices could not be read, with the fault if the condition is wrong. */
export type MatchFailure = {
  readonly message: string
  readonly fault: ConditionFault | undefined
  /** Whether the condition may only be incomplete. */
  readonly isAtEnd: boolean
}

/** What is known about the devices that match the condition in the editor. */
export type Matching = {
  /** The last successful answer. It belongs to an earlier condition unless `isPresent`. */
  readonly match: Match | undefined
  readonly isPresent: boolean
  readonly isAsking: boolean
  /** The failure for the current condition. A failure of the previous condition stays until there is another answer. */
  readonly failure: MatchFailure | undefined
  /** Whether the condition is still being typed, so that a failure or an empty list says nothing yet. */
  readonly isUnfinished: boolean
  /** Sends the request again. */
  readonly retry: () => void
}

/** Milliseconds without typing after which the request is sent. */
const pause = 350

type Known = {
  readonly answered: string
  readonly match: Match | undefined
  readonly matchOf: string
  readonly failure: MatchFailure | undefined
}

const nothing: Known = { answered: '', match: undefined, matchOf: '', failure: undefined }

/**
 * Reads the devices that match a condition at each pause in typing. Answers that arrive too late are ignored.
 * `isEdited` says whether the editor has the focus.
 */
export function useMatching(condition: string, isEdited: boolean): Matching {
  const client = useClient()
  const [known, setKnown] = useState(nothing)
  const [attempt, setAttempt] = useState(0)
  const isBlank = condition.trim() === ''

  useEffect(() => {
    if (isBlank) {
      setKnown(nothing)
      return
    }
    let isCurrent = true
    let timer = setTimeout(() => {
      const input = { queryCondition: condition }
      void client
        .query(ScheduleMatchDocument, { input }, { requestPolicy: 'network-only' })
        .toPromise()
        .then(({ data, error }) => {
          if (!isCurrent) return
          const result = data?.previewJob
          if (result?.__typename === 'JobPreview') {
            setKnown({ answered: condition, match: result, matchOf: condition, failure: undefined })
            return
          }
          const failure = result
            ? failureOf(result, condition)
            : error && { message: describeError(error).message, fault: undefined, isAtEnd: false }
          setKnown((before) => ({ ...before, answered: condition, failure }))
          if (result?.__typename === 'LimitExceededError') {
            timer = setTimeout(() => setAttempt(attempt + 1), 1000 * Math.max(1, result.retryAfterSeconds))
          }
        })
    }, pause)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  }, [client, condition, isBlank, attempt])

  const retry = useCallback(() => {
    setKnown((before) => ({ ...before, answered: '' }))
    setAttempt((before) => before + 1)
  }, [])

  const isNone = known.match?.deviceCount.value === 0
  const mayGoOn = known.failure === undefined ? isNone && endsInWord(condition) : known.failure.isAtEnd
  return {
    isUnfinished: isEdited && !isBlank && mayGoOn,
    match: isBlank ? undefined : known.match,
    isPresent: known.matchOf === condition,
    isAsking: !isBlank && known.answered !== condition,
    failure: isBlank ? undefined : known.failure,
    retry,
  }
}

function failureOf(result: Exclude<Result, Match>, condition: string): MatchFailure {
  const { message } = result
  switch (result.__typename) {
    case 'QueryConditionError': {
      const { line, column } = result
      const fault = faultFrom({ message, line, column })
      return { message, fault, isAtEnd: isAtEnd(condition, fault) }
    }
    case 'LimitExceededError':
      return { message: `${message} Retrying in ${result.retryAfterSeconds} s.`, fault: undefined, isAtEnd: false }
    default:
      return { message, fault: undefined, isAtEnd: false }
  }
}
