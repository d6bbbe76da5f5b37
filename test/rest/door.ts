import { pino } from 'pino'
import { settlePolicies } from '../../src/access/commands.ts'
import { signSasToken } from '../../src/access/sas.ts'
import { findPolicy } from '../../src/access/store.ts'
import type { Clock } from '../../src/clock.ts'
import type { Deps } from '../../src/deps.ts'
import type { Limits } from '../../src/limits/limits.ts'
import type { Choices } from '../../src/rest/route.ts'
import { createRestHandler } from '../../src/rest/router.ts'
import type { Throttling } from '../../src/throttle/presets.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

export const hubName = 'hub.example.test'

export type Answer = {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: what is tested is whether it has the shape that the test says
  readonly body: any
  /** The body as it was sent. */
  readonly text: string
  /** `code;text` of a classic error. */
  readonly error: string | undefined
}

export type AskOptions = {
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; text and a Blob are sent as they are. */
  readonly body?: unknown
  /** Null for none; a token of `iothubowner` unless told otherwise. */
  readonly token?: string | null
  readonly signal?: AbortSignal
  /** Is given what is to be called when the answer has left. */
  readonly whenAnswered?: (act: () => void) => void
}

/** The REST door on a database of its own, without a socket. */
export type TestDoor = {
  readonly deps: TestDeps
  /** Log lines of warnings and errors. */
  readonly logged: readonly Record<string, unknown>[]
  /** Asks `GET /devices`, with the api-version added when the path has no query string of its own. */
  ask(request: string, options?: AskOptions): Promise<Answer>
  /** A token of a policy, good for an hour unless told otherwise. */
  token(policyName: string, changes?: { resource?: string; expiry?: number; key?: string }): Promise<string>
  close(): Promise<void>
}

export async function openDoor(
  options: {
    readonly clock?: Clock
    readonly choices?: Partial<Choices>
    readonly wrap?: (deps: TestDeps) => Partial<Deps>
    readonly share?: Pick<TestDoor, 'deps'>
    readonly throttling?: Partial<Throttling>
    readonly limits?: Partial<Limits>
  } = {},
): Promise<TestDoor> {
  const base = options.share?.deps ?? (await createTestDeps(options.clock, options.throttling, options.limits))
  const logged: Record<string, unknown>[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => logged.push(JSON.parse(line)) })
  const deps = { ...base, log, ...options.wrap?.(base) }
  await settlePolicies(base, Buffer.alloc(32, 7).toString('base64'), undefined)
  const door = createRestHandler(deps, {
    hostNames: [hubName],
    choices: { unknownJob: '404', cancelRunning: false, strictQuery: false, ...options.choices },
  })

  const token: TestDoor['token'] = async (policyName, { resource = hubName, expiry, key } = {}) => {
    const policy = await findPolicy(base.db, policyName)
    return signSasToken({
      resource,
      key: key ?? policy?.primaryKey ?? '',
      expiry: expiry ?? Math.floor(base.clock.now().getTime() / 1000) + 3600,
      policyName,
    })
  }
  return {
    deps: base,
    logged,
    token,
    async ask(request, { headers = {}, body, token: given, signal, whenAnswered } = {}) {
      const [method = '', path = ''] = request.split(' ')
      const authorization = given === undefined ? await token('iothubowner') : given
      const response = await door(
        new Request(`http://hub${path}${path.includes('?') ? '' : '?api-version=2021-04-12'}`, {
          method,
          headers: {
            ...(authorization !== null && { authorization }),
            ...(body !== undefined && { 'content-type': 'application/json; charset=utf-8' }),
            ...headers,
          },
          ...(body !== undefined && {
            body: typeof body === 'string' || body instanceof Blob ? body : JSON.stringify(body),
          }),
          ...(signal !== undefined && { signal }),
        }),
        undefined,
        whenAnswered,
      )
      const text = await response.text()
      const answer = text === '' ? undefined : JSON.parse(text)
      return {
        status: response.status,
        headers: response.headers,
        body: answer,
        text,
        error: /^ErrorCode:(.*)/s.exec(answer?.Message)?.[1],
      }
    },
    async close() {
      if (options.share === undefined) await base.close()
    },
  }
}
