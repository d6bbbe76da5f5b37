import * as http from 'node:http'
import { pino } from 'pino'
import { settlePolicies } from '../../src/access/commands.ts'
import { defaultPolicies } from '../../src/access/policy.ts'
import type { Right } from '../../src/access/rights.ts'
import { signSasToken } from '../../src/access/sas.ts'
import { findPolicy } from '../../src/access/store.ts'
import { personViewer, policyViewer, type Viewer } from '../../src/access/viewer.ts'
import type { Clock } from '../../src/clock.ts'
import type { TypedDocumentString } from '../../src/generated/graphql/graphql.ts'
import type { Authenticate } from '../../src/graphql/context.ts'
import { createGraphqlServer, type GraphqlServer } from '../../src/graphql/transport/server.ts'
import type { TrustedDocuments } from '../../src/graphql/transport/trusted-documents.ts'
import type { Arrivals } from '../../src/limits/arrivals.ts'
import type { Limits } from '../../src/limits/limits.ts'
import { openPort } from '../../src/open-port.ts'
import { everything, type Scope } from '../../src/scope.ts'
import type { Throttling } from '../../src/throttle/presets.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

export const hubName = 'hub.example.test'

/** Who may do everything. */
export const owner: Viewer = viewerOf('iothubowner')

/** The viewer of a default policy. */
export function viewerOf(name: string): Viewer {
  return policyViewer({ name, rights: defaultPolicies.find((policy) => policy.name === name)?.rights ?? new Set() })
}

/** A person with these rights and this scope, whose credential is good until 2100. */
export function personWith({
  rights,
  scope = everything,
  name = 'anna',
  roles = ['tester'],
}: {
  readonly rights: readonly Right[]
  readonly scope?: Scope
  readonly name?: string
  readonly roles?: readonly string[]
}): Viewer {
  const person = { issuer: 'https://issuer.example.test', subject: name, name }
  return personViewer(person, { names: roles, rights: new Set(rights), scope }, 4_102_444_800)
}

export type Answer<Data = Record<string, unknown>> = {
  readonly status: number
  readonly data: Data
  readonly errors: readonly { message: string; path?: unknown; extensions: Record<string, unknown> }[]
}

/** The GraphQL door on a database of its own. */
export type TestDoor = {
  readonly deps: TestDeps
  readonly server: GraphqlServer
  /** The log: warnings and errors, unless told otherwise. */
  readonly logged: readonly Record<string, unknown>[]
  /** Asks with plain text. */
  ask(query: string, variables?: Record<string, unknown>, headers?: Record<string, string>): Promise<Answer>
  /** Asks with a generated document; the answer must have no errors. */
  run<Data, Variables>(document: TypedDocumentString<Data, Variables>, variables: Variables): Promise<Data>
  /** A token of a policy, good for an hour unless told otherwise. */
  token(policyName: string, changes?: { resource?: string; expiry?: number; key?: string }): Promise<string>
  close(): Promise<void>
}

export async function openDoor(
  options: {
    clock?: Clock
    anonymous?: Viewer | undefined
    /** Replaces the check of tokens. */
    authenticate?: Authenticate
    trusted?: TrustedDocuments
    throttling?: Partial<Throttling>
    limits?: Partial<Limits>
    /** What is logged at least; warnings and errors unless told otherwise. */
    logLevel?: 'info' | 'warn'
    allowedOrigins?: readonly string[]
    arrivals?: Arrivals
  } = {},
): Promise<TestDoor> {
  const base = await createTestDeps(options.clock, options.throttling, options.limits)
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: options.logLevel ?? 'warn' }, { write: (line: string) => logged.push(JSON.parse(line)) })
  const deps = { ...base, log }
  await settlePolicies(deps, Buffer.alloc(32, 7).toString('base64'), undefined)
  const server = createGraphqlServer(deps, {
    hostNames: [hubName],
    anonymous: 'anonymous' in options ? options.anonymous : owner,
    allowedOrigins: options.allowedOrigins ?? [],
    ...(options.arrivals && { arrivals: options.arrivals }),
    ...(options.authenticate !== undefined && { authenticate: options.authenticate }),
    trusted: options.trusted,
  })

  const port = http.createServer(server.handle)
  const { port: number } = await openPort(port, { variable: 'HTTP_PORT', host: '127.0.0.1', port: 0 })
  const url = `http://127.0.0.1:${number}/graphql`

  const ask: TestDoor['ask'] = async (query, variables = {}, headers = {}) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = await response.json()
    return { status: response.status, data, errors: errors ?? [] }
  }
  return {
    deps,
    server,
    logged,
    ask,
    async run(document, variables) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: document.toString(), variables }),
      })
      const { data, errors } = await response.json()
      if (errors !== undefined) throw new Error(JSON.stringify(errors))
      return data
    },
    async token(policyName, { resource = hubName, expiry, key } = {}) {
      const policy = await findPolicy(base.db, policyName)
      return signSasToken({
        resource,
        key: key ?? policy?.primaryKey ?? '',
        expiry: expiry ?? Math.floor(base.clock.now().getTime() / 1000) + 3600,
        policyName,
      })
    },
    async close() {
      port.closeAllConnections()
      await new Promise((resolve) => port.close(resolve))
      await server.close()
      await base.close()
    },
  }
}
