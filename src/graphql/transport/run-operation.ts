import type { ExecutionArgs, ExecutionResult } from 'graphql'
import { costOf, withCost } from '../cost.ts'
import { contextIn } from '../live/shared-subscribe.ts'
import type { Execute } from './execute.ts'
import { introspectionRefusal } from './introspection.ts'
import type { Mask } from './mask-errors.ts'
import { bytesOf } from './print-result.ts'

/** Runs a query or a mutation for a client. Its context must be a `Context`. */
export type RunOperation = (args: ExecutionArgs) => Promise<ExecutionResult>

/** Runs operations for all transports, with the rights of their viewers. Every error goes through `mask`. */
export function createRunOperation(execute: Execute, mask: Mask): RunOperation {
  return async (args) => {
    const { viewer, answer, wantsCost, record } = contextIn(args)
    const refusal = introspectionRefusal(viewer, args.document)
    if (refusal !== undefined) return { errors: [refusal] }
    const result = await execute(args)
    // An answer with documents needs no more room than this.
    const rest = answer.complete(() => bytesOf(result))
    if (rest !== undefined) await rest
    const { errors } = result
    const shown = errors === undefined ? result : { ...result, errors: errors.map((error) => mask(error, record?.id)) }
    return wantsCost ? withCost(shown, costOf(args)) : shown
  }
}
