import { InvalidInputError, QueryConditionError } from '../errors.ts'
import { groupsIn } from '../query/device-groups.ts'
import { mostWaves } from './waves.ts'

// The conditions of waves in a rollout as a client gives it: they may name device groups, whose conditions are put in before
// `checkWaves` parses them. What is not a condition of a wave stays as it is, for `checkWaves` to refuse.

/** The device groups that the conditions of waves name. InvalidInputError with the path of the condition. */
export const groupsInWaves = (rollout: unknown): readonly string[] =>
  wavesIn(rollout).flatMap((wave, index) => {
    const { queryCondition } = membersOf(wave)
    return typeof queryCondition === 'string' ? atWave(index, () => groupsIn(queryCondition)) : []
  })

/**
 * The rollout with other conditions of its waves. InvalidInputError with the path of the condition when `change` throws
 * QueryConditionError.
 */
export function changeWaveConditions(rollout: unknown, change: (condition: string) => string): unknown {
  const waves = wavesIn(rollout)
  if (waves.length === 0) return rollout
  return {
    ...membersOf(rollout),
    waves: waves.map((wave, index) => {
      const { queryCondition, ...others } = membersOf(wave)
      if (typeof queryCondition !== 'string') return wave
      return { ...others, queryCondition: atWave(index, () => change(queryCondition)) }
    }),
  }
}

/** Those that a job may have: longer lists are refused, and not read before. */
function wavesIn(rollout: unknown): readonly unknown[] {
  const { waves } = membersOf(rollout)
  return Array.isArray(waves) && waves.length <= mostWaves ? waves : []
}

const membersOf = (value: unknown): Readonly<Record<string, unknown>> => (typeof value === 'object' ? { ...value } : {})

/** A fault in the condition of a wave has the path of the condition: a QueryConditionError is about that of the job. */
function atWave<Value>(index: number, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof QueryConditionError)) throw error
    throw new InvalidInputError(['rollout', 'waves', String(index), 'queryCondition'], error.message)
  }
}
