import SchemaBuilder, {
  BasePlugin,
  type FieldNullability,
  type InputFieldMap,
  type InputShapeFromFields,
  type PothosOutputFieldConfig,
  type SchemaTypes,
  type TypeParam,
} from '@pothos/core'
import { GraphQLError, type GraphQLFieldResolver } from 'graphql'
import { audited } from '../audit/commands.ts'
import { type AuditEnd, endByError } from '../audit/entry.ts'
import { isTemporary } from '../database/outage.ts'
import type { JsonObject } from '../json/json.ts'
import { isContext } from './context.ts'

/** What the audit keeps of a mutation. */
export type MutationAudit<Args> = {
  /** The id of the device or job. Null for several. */
  target(args: Args): string | null
  /** More about it. Never a key, a payload or a value of a twin. */
  detail?(args: Args): JsonObject
  /** The arguments with the id that the hub generates, so that the entry has it. */
  withId?(args: Args): Args
}

const pluginName = 'audit'

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      audit: AuditPlugin<Types>
    }
    export interface MutationFieldOptions<
      Types extends SchemaTypes,
      Type extends TypeParam<Types>,
      Nullable extends FieldNullability<Type>,
      Args extends InputFieldMap,
      ResolveReturnShape,
    > {
      /** What the audit keeps of the mutation. Required, so that no mutation can be forgotten. */
      audit: MutationAudit<InputShapeFromFields<Args>>
    }
  }
}

/**
 * Writes each mutation into the audit, in the transaction of its change. Outside of the checks of rights and inside of
 * the result unions, so that it sees every error as it was thrown.
 */
export class AuditPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    fieldConfig: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    if (fieldConfig.kind !== 'Mutation') return resolver
    const { audit } = fieldConfig.pothosOptions
    return async (parent, given, context, info) => {
      if (!isContext(context)) throw new Error('A mutation has no context.')
      const args = audit.withId?.({ ...given }) ?? { ...given }
      const { record } = context
      const { log } = context.deps
      const own = record === undefined ? log : log.child({ requestId: record.id })
      const { deps, note, end } = audited(
        { ...context.deps, log: own },
        {
          actor: context.viewer,
          address: context.address,
          operation: info.fieldName,
          target: audit.target(args),
          detail: audit.detail?.(args) ?? null,
        },
      )
      try {
        const resolve = async (): Promise<unknown> => resolver(parent, args, { ...context, deps, note }, info)
        const target = audit.target(args)
        const attributes = target === null ? {} : { 'twincast.target': target }
        const { tracing } = deps
        const result = await (tracing === undefined
          ? resolve()
          : tracing.inSpan(info.fieldName, { attributes }, resolve))
        await end()
        return result
      } catch (error) {
        await end(endOf(error))
        throw error
      }
    }
  }
}

/** How the audit shows an error of a mutation. */
function endOf(error: unknown): AuditEnd {
  const expected = endByError(error)
  if (expected !== undefined) return expected
  if (isTemporary(error)) return { outcome: 'failed', code: 'SERVICE_UNAVAILABLE' }
  if (!(error instanceof GraphQLError)) return { outcome: 'failed', code: 'INTERNAL_SERVER_ERROR' }
  const { code } = error.extensions
  return { outcome: code === 'FORBIDDEN' ? 'denied' : 'refused', code: typeof code === 'string' ? code : null }
}

SchemaBuilder.registerPlugin(pluginName, AuditPlugin)

export default pluginName
