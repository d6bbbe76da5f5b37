import { graphql } from '../../../generated/console/index.ts'

/** The fields that a row and its dialog show. */
graphql(`
  fragment AuditRow on AuditEntry {
    id
    time
    actor
    kind
    issuer
    subject
    operation
    target
    address
    outcome
    code
    detail
  }
`)

/** A page of the list, the newest first. */
export const AuditListDocument = graphql(`
  query AuditList($filter: AuditFilter, $first: Int!, $after: String) {
    auditLog(filter: $filter, first: $first, after: $after) {
      nodes {
        ...AuditRow
      }
      pageInfo {
        ...NextPage
      }
    }
  }
`)
