import type { AuditRowFragment } from '../../../generated/console/graphql.ts'
import type { Field } from '../../export/text.ts'

const names = [
  'time',
  'actor',
  'kind',
  'issuer',
  'subject',
  'operation',
  'target',
  'address',
  'outcome',
  'code',
  'detail',
] as const

/** What the export has of each entry. */
export const fields: readonly Field<AuditRowFragment>[] = names.map((name) => ({ name, value: (entry) => entry[name] }))
