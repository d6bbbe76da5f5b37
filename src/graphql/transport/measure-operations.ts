import { type DocumentNode, type ExecutionResult, getOperationAST } from 'graphql'
import type { Deps } from '../../deps.ts'
import type { RunOperation } from './run-operation.ts'

/** Names that are kept of documents that are not trusted. Clients choose them, and each is several series. */
const mostNames = 100
/** Characters of a name that is kept. */
const longestName = 64

/** Measures the time and the outcome of each operation. Without metrics it returns `run` itself. */
export function measureOperations(
  run: RunOperation,
  { clock, metrics }: Pick<Deps, 'clock' | 'metrics'>,
  isTrusted: (document: DocumentNode) => boolean,
): RunOperation {
  if (metrics === undefined) return run
  const names = new Set<string>()
  const seriesOf = (name: string, document: DocumentNode): string => {
    if (names.has(name) || isTrusted(document)) return name
    if (names.size >= mostNames || name.length > longestName) return 'other'
    names.add(name)
    return name
  }
  return async (args) => {
    const begun = clock.elapsed()
    let outcome = 'fault'
    try {
      const result = await run(args)
      outcome = outcomeOf(result)
      return result
    } finally {
      const { document, operationName } = args
      const { operation: kind = '', name } = getOperationAST(document, operationName) ?? {}
      const operation = name === undefined ? 'anonymous' : seriesOf(name.value, document)
      metrics.observe(
        'twincast_graphql_operation_seconds',
        { operation, kind, outcome },
        (clock.elapsed() - begun) / 1000,
      )
    }
  }
}

/** The worst of the errors in a result. */
function outcomeOf({ errors = [] }: ExecutionResult): 'ok' | 'refused' | 'unavailable' | 'fault' {
  if (errors.length === 0) return 'ok'
  const codes = errors.map(({ extensions }) => extensions.code)
  if (codes.includes('INTERNAL_SERVER_ERROR')) return 'fault'
  return codes.includes('SERVICE_UNAVAILABLE') ? 'unavailable' : 'refused'
}
