import { type ExecutionArgs, getOperationAST } from 'graphql'

/** Characters of a name that are kept: clients choose it. */
const longestName = 100

/** How the log and traces name an operation: `query FindJobs`, or `query` for one without a name. */
export function nameOf({ document, operationName }: ExecutionArgs): {
  readonly type: string
  /** The own name, if it has one. */
  readonly own: string | undefined
  readonly shown: string
} {
  const { operation: type = '', name } = getOperationAST(document, operationName) ?? {}
  const own = name?.value.slice(0, longestName)
  return { type, own, shown: own === undefined ? type : `${type} ${own}` }
}
