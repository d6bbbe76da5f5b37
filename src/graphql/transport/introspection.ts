import { BREAK, type DocumentNode, GraphQLError, visit } from 'graphql'
import type { Plugin } from 'graphql-yoga'
import { may } from '../../access/policy.ts'
import type { Context } from '../context.ts'

/**
 * Refuses to describe the schema to who may read nothing in it: the policy `device` is for devices. It is not a rule of
 * validation, because what was found valid for one is remembered for all.
 */
export const introspectionByRight: Plugin<Context> = {
  onExecute({ args, setResultAndStopExecution }) {
    const { viewer } = args.contextValue
    if (may(viewer, 'readJobs') || !asksForSchema(args.document)) return
    const message = `The policy ${viewer.policyName} may not read the schema.`
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
