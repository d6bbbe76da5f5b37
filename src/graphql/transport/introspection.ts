import { BREAK, type DocumentNode, GraphQLError, visit } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { may } from '../../access/policy.ts'
import type { Context } from '../context.ts'

/**
 * Refuses introspection to viewers that may not read anything: the policy `device` is for devices. This is not a
 * validation rule, because validation results are cached for all viewers.
 */
export const introspectionByRight: Plugin<Context> = {
  onExecute({ args, setResultAndStopExecution }) {
    const { viewer } = args.contextValue
    if (may(viewer, 'readJobs') || !asksForSchema(args.document)) return
    const message = `The policy "${viewer.policyName}" does not grant access to the schema.`
    setResultAndStopExecution({ errors: [new GraphQLError(message, { extensions: { code: 'UNAUTHORIZED' } })] })
  },
}

function asksForSchema(document: DocumentNode): boolean {
  let asks = false
  visit(document, {
    Field({ name }) {
      if (name.value !== '__schema' && name.value !== '__type') return undefined
      asks = true
      return BREAK
    },
  })
  return asks
}
