import type { ExecutionArgs } from 'graphql'
import { failSpan, type Tracing } from '../../tracing.ts'
import { contextIn, type Subscribe } from '../live/shared-subscribe.ts'
import { nameOf } from './operation-name.ts'
import type { RunOperation } from './run-operation.ts'

const spanOf = (args: ExecutionArgs) => {
  const { type, own, shown } = nameOf(args)
  const requestId = contextIn(args).record?.id
  const attributes = {
    'graphql.operation.type': type,
    ...(own !== undefined && { 'graphql.operation.name': own }),
    ...(requestId !== undefined && { 'twincast.request.id': requestId }),
  }
  return { name: shown, start: { attributes } }
}

/** Errors that clients cause are no failures of the hub. */
const failures: ReadonlySet<unknown> = new Set(['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE'])

/** Runs each operation in a span. Without tracing it returns `run` itself. */
export function traceOperations(run: RunOperation, tracing: Tracing | undefined): RunOperation {
  if (tracing === undefined) return run
  return (args) => {
    const { name, start } = spanOf(args)
    return tracing.inSpan(name, start, async (span) => {
      const result = await run(args)
      const fault = result.errors?.find(({ extensions }) => failures.has(extensions.code))
      if (fault !== undefined) failSpan(span, fault)
      return result
    })
  }
}

/** The same for subscriptions, until they have begun: their events are shared by many clients. */
export function traceSubscriptions(subscribe: Subscribe, tracing: Tracing | undefined): Subscribe {
  if (tracing === undefined) return subscribe
  return (args) => {
    const { name, start } = spanOf(args)
    return tracing.inSpan(name, start, async () => subscribe(args))
  }
}
