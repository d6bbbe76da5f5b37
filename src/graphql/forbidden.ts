import { GraphQLError } from 'graphql'
import type { Right } from '../access/rights.ts'
import { grantor, type Viewer } from '../access/viewer.ts'
import { printScope } from '../query/scope.ts'
import { isEverything } from '../scope.ts'

/** What the caller lacks, for programs. */
export type Missing = {
  readonly right?: Right
  readonly role?: string
  /** The scope that does not have the object, as one condition. */
  readonly scope?: string | null
  readonly origin?: string
  readonly issuer?: string
}

/** An error of the request for a caller that is known and may not do this. The message says what is missing. */
export const forbidden = (message: string, missing: Missing): GraphQLError =>
  new GraphQLError(message, { extensions: { code: 'FORBIDDEN', missing } })

/** The error for a viewer without the right to something, or without any of several rights. */
export function lacksRight(viewer: Viewer, what: string, needed: readonly Right[]): GraphQLError {
  const [right] = needed
  const missing = right === undefined ? {} : { right }
  if (viewer.lack !== undefined) return forbidden(viewer.lack, missing)
  return forbidden(
    `${grantor(viewer)} not grant access to ${what}. It requires the right ${needed.join(' or ')}.`,
    missing,
  )
}

/** The error for a viewer that no longer sees all the devices that it saw before. */
export const lostScope = ({ scope }: Viewer): GraphQLError =>
  forbidden('Your scope has changed. Subscribe again for the devices that it has now.', { scope: printScope(scope) })

/** Refuses to a viewer with a scope what concerns the devices of all scopes. `reason` is a sentence for people. */
export function requireAllDevices({ scope }: Viewer, reason: string): void {
  if (!isEverything(scope)) throw forbidden(reason, { scope: printScope(scope) })
}

/** Refuses the audit to a viewer with a scope: its entries name devices of all scopes. */
export const requireWholeAudit = (viewer: Viewer): void =>
  requireAllDevices(viewer, 'The audit names all devices. It can be read only without a scope.')
