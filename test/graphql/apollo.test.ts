import { createHash } from 'node:crypto'
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client/core'
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { relayStylePagination } from '@apollo/client/utilities'
import { isAbstractType, OperationTypeNode } from 'graphql'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { givenDevices, givenMethodJob } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'
import { answer, dispatch, finish, start } from './facts.ts'
import { type OpenPort, openPort } from './transport/sockets.ts'

// Apollo Client as a front end has it: queries and mutations by HTTP, subscriptions by WebSocket, one normalised cache.

let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor({ anonymous: undefined })
  port = await openPort(door)
  await givenDevices(door.deps, 'pump', 2)
  for (const number of [1, 2, 3, 4, 5]) await givenMethodJob(door.deps, 'pump', {}, { jobId: `job-${number}` })
})
afterAll(async () => {
  await port.close()
  await door.close()
})

/** What the plugin fragment-matcher generates. */
const possibleTypes = Object.fromEntries(
  Object.values(schema.getTypeMap())
    .filter(isAbstractType)
    .map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]),
)

let client: ApolloClient
beforeEach(async () => {
  const authorization = await door.token('iothubowner')
  client = new ApolloClient({
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(port.client({ authorization })),
      new HttpLink({ uri: port.url.replace(/^ws/, 'http'), headers: { authorization } }),
    ),
    cache: new InMemoryCache({
      possibleTypes,
      typePolicies: {
        Query: { fields: { jobs: relayStylePagination(['filter', 'orderBy']) } },
        Job: { fields: { deviceJobs: relayStylePagination(['filter', 'orderBy']) } },
        DeviceJobStatistics: { merge: true },
      },
    }),
  })
})

const jobs = gql`
  query ApolloJobs($first: Int!, $after: String) {
    jobs(first: $first, after: $after, orderBy: { field: JOB_ID, direction: ASC }) {
      edges {
        cursor
        node {
          id
          jobId
          status
        }
      }
      pageInfo {
        hasNextPage
        endCursor
        hasPreviousPage
        startCursor
      }
    }
  }
`
const statuses = gql`
  query ApolloStatuses($jobId: String!) {
    job(jobId: $jobId) {
      id
      status
    }
  }
`
const cancel = gql`
  mutation ApolloCancel($input: CancelJobInput!) {
    cancelJob(input: $input) {
      ... on CancelJobPayload {
        job {
          id
          status
        }
      }
    }
  }
`
const follow = gql`
  subscription ApolloFollow($jobId: String!) {
    deviceJobStatistics(jobId: $jobId) {
      deviceJobStatistics {
        deviceCount
        succeededCount
      }
      job {
        id
        status
      }
    }
  }
`

type Page = {
  readonly jobs: {
    readonly edges: readonly { readonly node: { readonly jobId: string; readonly status: string } }[]
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string }
  }
}
const variables = { first: 2 }

/** The jobs of the list, as a component would be shown them. */
const rowsOf = (page: Page | null | undefined) => page?.jobs.edges.map(({ node }) => `${node.jobId} ${node.status}`)
const shown = () => rowsOf(client.readQuery<Page>({ query: jobs, variables }))

test('fetchMore pages through jobs, and the pages become one list', async () => {
  const list = client.watchQuery<Page>({ query: jobs, variables })
  const seen: unknown[] = []
  const watching = list.subscribe(({ data, dataState }) =>
    seen.push(dataState === 'complete' ? rowsOf(data) : dataState),
  )
  await expect.poll(shown).toEqual(['job-1 QUEUED', 'job-2 QUEUED'])
  let next = client.readQuery<Page>({ query: jobs, variables })?.jobs.pageInfo
  let count = 0
  while (next?.hasNextPage) {
    const { data } = await list.fetchMore({ variables: { after: next.endCursor } })
    next = data?.jobs.pageInfo
    count++
  }
  expect(count).toBe(2)
  const all = [1, 2, 3, 4, 5].map((number) => `job-${number} QUEUED`)
  expect(shown()).toEqual(all)
  await expect.poll(() => seen.at(-1)).toEqual(all)
  watching.unsubscribe()
})

test('an object is one entry of the cache, whichever way it came: what a mutation changes, the list shows', async () => {
  await client.query({ query: jobs, variables })
  await client.query({ query: statuses, variables: { jobId: 'job-1' } })
  const entries = Object.values(client.extract() as Record<string, { __typename?: string }>)
  expect(entries.filter(({ __typename }) => __typename === 'Job')).toHaveLength(2)
  await client.mutate({ mutation: cancel, variables: { input: { jobId: 'job-1' } } })
  expect(shown()).toEqual(['job-1 CANCELLED', 'job-2 QUEUED'])
})

test('what a mutation changes in a twin, the device in the cache shows, and what is deleted leaves it', async () => {
  await givenDevices(door.deps, 'fan', 1)
  const query = gql`
    query ApolloTwin {
      device(deviceId: "fan-0001") {
        id
        twin {
          id
          tags
        }
      }
    }
  `
  await client.query({ query })
  const update = gql`
    mutation ApolloUpdateTwin {
      updateTwin(input: { deviceId: "fan-0001", patch: { tags: { site: "north" } } }) {
        ... on UpdateTwinPayload {
          twin {
            id
            tags
          }
        }
      }
    }
  `
  await client.mutate({ mutation: update })
  expect(Object(client.readQuery({ query })).device.twin.tags).toMatchObject({ site: 'north' })
  const remove = gql`
    mutation ApolloDeleteDevice {
      deleteDevice(input: { deviceId: "fan-0001", ifMatch: "*" }) {
        ... on DeleteDevicePayload {
          id
        }
      }
    }
  `
  const { cache } = client
  const { data } = await client.mutate({ mutation: remove })
  cache.evict({ id: cache.identify({ __typename: 'Device', id: Object(data).deleteDevice.id }) ?? '' })
  expect(client.readQuery({ query })).toBeNull()
})

test('the message of an expected error passes through the cache', async () => {
  const query = gql`
    query ApolloPreview {
      previewJob(input: { queryCondition: "tags.a = =" }) {
        ... on Error {
          code
          message
        }
      }
    }
  `
  await client.query({ query })
  expect(client.readQuery({ query })).toMatchObject({
    previewJob: { code: 'QUERY_CONDITION', message: expect.stringContaining('=') },
  })
})

test('a subscription over a WebSocket keeps the list current, and completes when the job has ended', async () => {
  await client.query({ query: jobs, variables })
  await start(door.deps, 'job-2')
  const seen: string[] = []
  const completed = new Promise<void>((resolve, reject) => {
    client.subscribe({ query: follow, variables: { jobId: 'job-2' } }).subscribe({
      next({ data, error }) {
        if (error) reject(error)
        const { deviceJobStatistics: update } = Object(data)
        seen.push(`${update.deviceJobStatistics.succeededCount} ${shown()?.[1]}`)
        if (seen.length === 1) void work().catch(reject)
      },
      complete: resolve,
    })
  })
  const work = async () => {
    const keys = ['pump-0001', 'pump-0002'].map((deviceId) => ({ jobId: 'job-2', deviceId }))
    await dispatch(door.deps, ...keys)
    await answer(door.deps, ...keys)
    await finish(door.deps)
  }
  await completed
  expect(seen.at(0)).toBe('0 job-2 RUNNING')
  expect(seen.at(-1)).toBe('2 job-2 COMPLETED')
})

test('an error of the request is an error of the query, with its code', async () => {
  const refused = client.query({ query: jobs, variables: { first: 101 } })
  await expect(refused).rejects.toMatchObject({ errors: [{ extensions: { code: 'INVALID_PAGE_SIZE' } }] })
})

test('persisted queries go on with texts, which the hub asks for once', async () => {
  const authorization = await door.token('iothubowner')
  const sent: unknown[] = []
  const persisting = new ApolloClient({
    link: new PersistedQueryLink({ sha256: async (text) => createHash('sha256').update(text).digest('hex') }).concat(
      new HttpLink({
        uri: port.url.replace(/^ws/, 'http'),
        headers: { authorization },
        fetch(address, init) {
          const { query, extensions } = JSON.parse(String(init?.body))
          sent.push({ hasText: query !== undefined, hasHash: extensions?.persistedQuery !== undefined })
          return fetch(address, init)
        },
      }),
    ),
    cache: new InMemoryCache(),
  })
  const read = async () => (await persisting.query<Page>({ query: jobs, variables, fetchPolicy: 'no-cache' })).data
  expect((await read())?.jobs.edges).toHaveLength(2)
  expect((await read())?.jobs.edges).toHaveLength(2)
  expect(sent).toEqual([
    { hasText: false, hasHash: true },
    { hasText: true, hasHash: false },
    { hasText: true, hasHash: false },
  ])
  persisting.stop()
})
