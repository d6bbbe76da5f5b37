import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql'
import { costOf, withCost } from '../cost.ts'
import { contextIn } from '../live/shared-subscribe.ts'
import type { Execute } from './execute.ts'
import { introspectionRefusal } from './introspection.ts'
import { bytesOf } from './print-result.ts'

/** Runs a query or a mutation for a client. Its context must be a `Context`. */
export type RunOperation = (args: ExecutionArgs) => Promise<ExecutionResult>

/** Runs operations for all transports, with the rights of their viewers. Every error goes through `mask`. */
export function createRunOperation(execute: Execute, mask: (error: unknown) => GraphQLError): RunOperation {
  return async (args) => {
    const { viewer, answer, wantsCost } = contextIn(args)
    const refusal = introspectionRefusal(viewer, args.document)
    if (refusal !== undefined) return { errors: [refusal] }
    const result = await execute(args)
    // An answer with documents needs no more room than this.
    answer.complete(() => bytesOf(result))
    const shown = result.errors === undefined ? result : { ...result, errors: result.errors.map(mask) }
    return wantsCost ? withCost(shown, costOf(args)) : shown
  }
}
