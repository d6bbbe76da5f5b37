import SchemaBuilder, { type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core'
import scopeAuth, { PothosScopeAuthPlugin } from '@pothos/plugin-scope-auth'
import { defaultFieldResolver, type GraphQLFieldResolver } from 'graphql'
import { isRight, may, type Right } from '../access/rights.ts'
import type { Viewer } from '../access/viewer.ts'

/** Several rights, one of which is enough. */
type Needed = readonly Right[]

/** A member of its object that a field shows to a viewer with the rights. */
export type Member = { readonly name: string; readonly needed: readonly Needed[] }

/** The members that resolvers show. */
const members = new WeakMap<WeakKey, Member>()

/** The member that a field with this resolver shows. Undefined when the resolver does anything else. */
export const memberOf = (resolve: WeakKey): Member | undefined => members.get(resolve)

/** Every context of the API has its viewer. */
const isViewed = (context: object): context is { readonly viewer: Viewer } => 'viewer' in context

/**
 * The plugin of rights evaluates and caches the scopes of each field of each object, which takes longer than most
 * fields. This one has a short way for viewers that have the rights. Viewers that lack a right, and fields whose rights
 * depend on arguments, go the whole way.
 */
class QuickScopeAuthPlugin<Types extends SchemaTypes> extends PothosScopeAuthPlugin<Types> {
  override wrapResolve(
    resolver: GraphQLFieldResolver<unknown, Types['Context'], object>,
    fieldConfig: PothosOutputFieldConfig<Types>,
  ): GraphQLFieldResolver<unknown, Types['Context'], object> {
    const checked = super.wrapResolve(resolver, fieldConfig)
    const needed = checked === resolver ? undefined : this.rightsFor(fieldConfig)
    if (needed === undefined) return checked
    const quick: GraphQLFieldResolver<unknown, Types['Context'], object> = (parent, args, context, info) =>
      hasAll(context, needed) ? resolver(parent, args, context, info) : checked(parent, args, context, info)
    const member = exposedMember(resolver, fieldConfig)
    if (member !== undefined) members.set(quick, { name: member, needed })
    return quick
  }

  /** The rights that the field, its type and the interfaces of the type need; undefined unless they are constants. */
  private rightsFor({ parentType, pothosOptions }: PothosOutputFieldConfig<Types>): readonly Needed[] | undefined {
    const type = this.buildCache.getTypeConfig(parentType)
    const interfaces = 'interfaces' in type ? type.interfaces : []
    const types = [type, ...interfaces.map((name) => this.buildCache.getTypeConfig(name))]
    const options: readonly object[] = [pothosOptions, ...types.map((each): object => each.pothosOptions)]
    const needed = options.flatMap(rightsIn)
    return needed.some((each) => each === undefined) ? undefined : needed.filter((each) => each !== undefined)
  }
}

/** The right that options need: none, a constant, or undefined for one that is computed. */
function rightsIn(options: object): readonly (Needed | undefined)[] {
  const authScopes = 'authScopes' in options ? options.authScopes : undefined
  if (authScopes === undefined) return []
  if (typeof authScopes !== 'object' || authScopes === null || !('right' in authScopes)) return [undefined]
  const rights = [authScopes.right].flat()
  return [Object.keys(authScopes).length === 1 && rights.every(isRight) ? rights : undefined]
}

/** The member that a resolver shows which no plugin has wrapped. */
function exposedMember<Types extends SchemaTypes>(
  resolver: unknown,
  { name, resolve, extensions }: PothosOutputFieldConfig<Types>,
): string | undefined {
  if (resolver === defaultFieldResolver) return name
  const exposed: unknown = extensions?.pothosExposedField
  return resolver === resolve && typeof exposed === 'string' ? exposed : undefined
}

/** Whether the viewer of the context has the rights. */
export function hasAll(context: object, needed: readonly Needed[]): boolean {
  if (!isViewed(context)) return false
  for (const rights of needed) if (!hasOne(context.viewer, rights)) return false
  return true
}

function hasOne(viewer: Viewer, rights: Needed): boolean {
  for (const right of rights) if (may(viewer, right)) return true
  return false
}

SchemaBuilder.allowPluginReRegistration = true
SchemaBuilder.registerPlugin(scopeAuth, QuickScopeAuthPlugin)
SchemaBuilder.allowPluginReRegistration = false

export default scopeAuth
