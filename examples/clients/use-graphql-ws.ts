import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { type DocumentNode, type ExecutionResult, print } from 'graphql'
import type { DocumentType } from './generated/index.ts'
import { connect, type HubSettings } from './graphql-ws.ts'
import { post } from './http.ts'
import { EndedDeviceJobs, type HubClient, jobIdIn, ScheduleMethod } from './operations.ts'
import { idOf } from './trusted-documents.ts'

// #region use
/** Queries and mutations by fetch, subscriptions by graphql-ws, without any other library. */
export function useGraphqlWs(settings: HubSettings): HubClient {
  const { url, session } = settings
  const socket = connect(settings)
  return {
    async schedule(input) {
      return jobIdIn(await execute({ url, session }, ScheduleMethod, { input }))
    },
    async follow(jobId, onEnded) {
      const results = socket.iterate<DocumentType<typeof EndedDeviceJobs>>({
        ...requestOf(EndedDeviceJobs),
        // Null at first; after each reconnection, the cursor of the last result.
        variables: { jobId, after: null },
      })
      for await (const { data, errors } of results) {
        if (errors !== undefined) throw new AggregateError(errors, errors[0]?.message)
        if (data) onEnded(data.deviceJobEnded.deviceJobs)
      }
    },
    close: () => void socket.dispose(),
  }
}

/** A document by its id, or else by its text. */
function requestOf(document: DocumentNode) {
  const persistedQuery = idOf(document)
  return persistedQuery === undefined ? { query: print(document) } : { query: '', extensions: { persistedQuery } }
}

/** Runs a query or a mutation. */
async function execute<Result, Variables>(
  { url, session }: Pick<HubSettings, 'url' | 'session'>,
  document: TypedDocumentNode<Result, Variables>,
  variables: Variables,
): Promise<Result> {
  const request = { ...requestOf(document), variables }
  const { data, errors } = await post<ExecutionResult<Result>>({ url, session }, request)
  // Errors that a result union does not have: no right, a limit, no database. `extensions.code` tells them apart.
  if (errors !== undefined || !data) throw new AggregateError(errors ?? [], errors?.[0]?.message)
  return data
}
// #endregion
