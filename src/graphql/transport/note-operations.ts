import { contextIn, type Subscribe } from '../live/shared-subscribe.ts'
import { nameOf } from './operation-name.ts'
import type { RunOperation } from './run-operation.ts'

/** Notes the names of operations, and the number of their errors, in the records of their requests. */
export const noteOperations =
  (run: RunOperation): RunOperation =>
  async (args) => {
    const { record } = contextIn(args)
    if (record === undefined) return run(args)
    record.operation = nameOf(args).shown
    const result = await run(args)
    if (result.errors !== undefined) record.errors = result.errors.length
    return result
  }

/** The same for subscriptions, whose errors are not counted. */
export const noteSubscriptions =
  (subscribe: Subscribe): Subscribe =>
  (args) => {
    const { record } = contextIn(args)
    if (record !== undefined) record.operation = nameOf(args).shown
    return subscribe(args)
  }
