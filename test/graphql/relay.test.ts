import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const compiler = join(root, 'node_modules/relay-compiler/cli.js')

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twincast-relay-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** Relay's compiler on schema.graphql and one document; answers what it said and what it wrote. */
async function compile(document: string, change: (schema: string) => string = (same) => same) {
  await mkdir(join(folder, 'src'))
  const schema = await readFile(join(root, 'schema.graphql'), 'utf8')
  await writeFile(join(folder, 'schema.graphql'), change(schema))
  const settings = {
    src: './src',
    schema: './schema.graphql',
    language: 'typescript',
    eagerEsModules: true,
    customScalarTypes: { DateTime: 'string', JSON: 'unknown' },
    typescriptExcludeUndefinedFromNullableUnion: true,
  }
  await writeFile(join(folder, 'relay.config.json'), JSON.stringify(settings))
  // A module of a name that the compiler wants of the fragments and operations in it.
  await writeFile(join(folder, 'src/Page.ts'), `import { graphql } from 'relay-runtime'\ngraphql\`${document}\`\n`)
  const { PATH, HOME } = process.env
  const { code, said } = await new Promise<{ code: number; said: string }>((done) => {
    const options = { cwd: folder, env: { PATH, HOME, FORCE_NO_WATCHMAN: '1' } }
    execFile(process.execPath, [compiler, 'relay.config.json'], options, (error, stdout, stderr) =>
      done({ code: error === null ? 0 : Number(error.code), said: `${stdout}${stderr}` }),
    )
  })
  const written = await readdir(join(folder, 'src/__generated__')).catch(() => [])
  return { code, said, written: written.sort() }
}

const artifact = (name: string): Promise<string> => readFile(join(folder, 'src/__generated__', name), 'utf8')

const jobs = `
  fragment Page_jobs on Query
  @refetchable(queryName: "PageJobsQuery")
  @argumentDefinitions(first: { type: "Int", defaultValue: 20 }, after: { type: "String" }, filter: { type: "JobFilter" }) {
    jobs(first: $first, after: $after, filter: $filter) @connection(key: "Page_jobs", filters: ["filter"]) {
      edges {
        node {
          jobId
          status
          createdTime
        }
      }
    }
  }
`

const deviceJobs = `
  fragment Page_job on Job
  @refetchable(queryName: "PageDeviceJobsQuery")
  @argumentDefinitions(
    first: { type: "Int" }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
  ) {
    deviceJobs(first: $first, after: $after, last: $last, before: $before)
      @connection(key: "Page_deviceJobs") {
      edges {
        node {
          deviceId
          status
        }
      }
    }
  }
`

test('Relay pages through jobs', async () => {
  const { code, said, written } = await compile(jobs)
  expect({ code, said, written }).toEqual({
    code: 0,
    said: expect.any(String),
    written: ['PageJobsQuery.graphql.ts', 'Page_jobs.graphql.ts'],
  })
  const query = await artifact('PageJobsQuery.graphql.ts')
  // What the compiler adds: the cursors, the place of the page, and the id by which a job is one record in its store.
  for (const field of ['cursor', 'endCursor', 'hasNextPage', '__typename', 'id']) {
    expect(query).toMatch(new RegExp(`"name": "${field}"`))
  }
  expect(query).toContain('"handle": "connection"')
  expect(await artifact('Page_jobs.graphql.ts')).toContain('readonly createdTime: string;')
})

test('Relay pages through the device jobs of a job, both ways, and finds the job again by its id', async () => {
  const { code, written } = await compile(deviceJobs)
  expect({ code, written }).toEqual({ code: 0, written: ['PageDeviceJobsQuery.graphql.ts', 'Page_job.graphql.ts'] })
  expect(await artifact('PageDeviceJobsQuery.graphql.ts')).toMatch(/node\(id: \$id\)/)
  expect(await artifact('Page_job.graphql.ts')).toContain('"direction": "bidirectional"')
})

test('Relay types subscriptions and the unions of mutations, keeps lists current and removes what was deleted', async () => {
  const { code, written } = await compile(`
    subscription PageProgressSubscription($jobId: String!) {
      deviceJobStatistics(jobId: $jobId) { version job { id status outcome } }
    }
    mutation PageCancelMutation($input: CancelJobInput!) {
      cancelJob(input: $input) { __typename ... on CancelJobPayload { job { status } } ... on Error { message } }
    }
    mutation PageDeleteMutation($input: DeleteDeviceInput!) {
      deleteDevice(input: $input) { ... on DeleteDevicePayload { id @deleteRecord } }
    }
    subscription PageDevicesSubscription {
      devicePresenceChanged { deletedIds @deleteRecord devices { id connectionState } }
    }
    subscription PageListSubscription($connections: [ID!]!) {
      jobChanged {
        edge @prependEdge(connections: $connections) { cursor node { jobId status } }
        removedId @deleteEdge(connections: $connections)
      }
    }
  `)
  expect({ code, written }).toEqual({
    code: 0,
    written: ['Cancel', 'Delete', 'Devices', 'List', 'Progress'].map((name) => expect.stringMatching(`^Page${name}`)),
  })
  expect(await artifact('PageDevicesSubscription.graphql.ts')).toContain('"handle": "deleteRecord"')
})

// The compiler does look at the schema: what is no connection, or lacks a page size, is refused.
test.each([
  [
    'without a page size',
    jobs.replace('first: $first, ', ''),
    /Expected field 'jobs' to be passed a 'first' or 'last' argument/,
  ],
  [
    'on what is no connection',
    jobs.replace(/jobs\([\s\S]*/, 'nodes(ids: []) @connection(key: "Page_nodes") { id } }'),
    /@connection/,
  ],
  ['with a field that a job has not', jobs.replace('createdTime', 'creationTime'), /creationTime/],
])('Relay refuses a fragment %s', async (_what, document, complaint) => {
  const { code, said, written } = await compile(document)
  expect({ code, said, written }).toEqual({ code: 1, said: expect.stringMatching(complaint), written: [] })
})

test.each([
  ['edges without cursors', /^ {2}cursor: String!$/gm, /'JobConnection' to expose a 'edges \{ cursor \}' field/],
  ['no sign of a next page', /^ {2}hasNextPage: Boolean!$/gm, /hasNextPage/],
])('Relay would refuse a schema with %s', async (_what, field, complaint) => {
  const { code, said } = await compile(jobs, (schema) => schema.replaceAll(field, '  gone: Int'))
  expect({ code, said }).toEqual({ code: 1, said: expect.stringMatching(complaint) })
})
