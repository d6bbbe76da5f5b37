import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { print as printDocument } from 'graphql'
import { createYoga, type Plugin } from 'graphql-yoga'
import { type Authenticator, createAuthenticator } from '../../access/authenticator-commands.ts'
import type { Viewer } from '../../access/viewer.ts'
import type { Deps } from '../../deps.ts'
import { UnauthorizedError } from '../../errors.ts'
import { isJsonBody, notJsonBody } from '../../json/json-body.ts'
import { AnswerBudget } from '../../limits/answer-budget.ts'
import type { Arrivals } from '../../limits/arrivals.ts'
import { maxBodyBytes } from '../../limits/body-size.ts'
import { addressOf } from '../../limits/request-address.ts'
import { announcedBytes } from '../../limits/request-room.ts'
import type { AccessLog } from '../../log/access-log.ts'
import { createRefusalLog, type RefusalCause } from '../../log/refused-clients.ts'
import { type RequestRecord, recordOf } from '../../log/request-record.ts'
import { refuseUpgrade } from '../../refuse-upgrade.ts'
import { type Authenticate, type Context, type ContextOf, callerOf, type ServerContext, type Yoga } from '../context.ts'
import { wantsCost } from '../cost.ts'
import { refuseDeepVariables } from '../limits.ts'
import { createSharedSubscribe, type Subscribe } from '../live/shared-subscribe.ts'
import { standingByRights } from '../live/standing.ts'
import { schema } from '../schema.ts'
import { type Admit, challengeOf, createAdmission } from './admission.ts'
import { createAuditExport } from './audit-export.ts'
import { createCompress } from './compress.ts'
import { createOrigins } from './cors.ts'
import { countedAuthenticate } from './counted-authenticate.ts'
import { crossSiteRefusal, isForwarded } from './cross-site.ts'
import { createDocuments, type Documents } from './documents.ts'
import { httpForm } from './http-form.ts'
import { overHttp } from './http-subscribe.ts'
import { createMask } from './mask-errors.ts'
import { createMayContinue } from './may-continue.ts'
import { measureOperations } from './measure-operations.ts'
import { noteOperations, noteSubscriptions } from './note-operations.ts'
import { createParseParams } from './parse-params.ts'
import { createPlainRequests } from './plain-request.ts'
import { createPrintPieces, inOnePiece, type PrintResult, printedBy } from './print-result.ts'
import { refuseDownload } from './refuse-download.ts'
import { createDocumentOf, type DocumentOf, namesDocument } from './requested-document.ts'
import { createResultsExport } from './results-export.ts'
import { createRunOperation, type RunOperation } from './run-operation.ts'
import { createSchemaFile } from './schema-file.ts'
import { traceOperations, traceSubscriptions } from './trace-operations.ts'
import type { TrustedDocuments } from './trusted-documents.ts'
import { createWebSockets } from './websocket.ts'

/** The GraphQL API, to be mounted at its path. */
export type GraphqlServer = {
  readonly path: '/graphql'
  readonly methods: readonly string[]
  handle(request: IncomingMessage, response: ServerResponse): void
  /** Headers of every answer to this request, also of those that do not come from `handle`. */
  headersFor(request: IncomingMessage): Readonly<Record<string, string>>
  /** Whether a request needs no token. */
  isOpen(request: IncomingMessage): boolean
  /** Takes over the connection of a WebSocket. */
  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void
  /** The export of the audit, as a mount of its own. */
  readonly audit: Download<'/audit'>
  /** The export of the results of jobs, as a mount of its own. */
  readonly results: Download<'/results'> & { readonly below: true }
  /** The schema as text, as a mount of its own. */
  readonly schemaFile: Download<'/graphql/schema.graphql'>
  /** A request without a connection, for tests. It skips the guard, which concerns browsers. */
  readonly fetch: Yoga['fetch']
  /** Number of open subscriptions. */
  openStreams(): number
  /** Ends all subscriptions and WebSockets. */
  close(): Promise<void>
}

/** What is downloaded by GET, with a token like other requests. */
type Download<Path extends string> = {
  readonly path: Path
  readonly methods: readonly string[]
  handle(request: IncomingMessage, response: ServerResponse): void
}

const loopbackNames = ['localhost', '127.0.0.1', '[::1]']

/**
 * Creates the GraphQL API. `hostNames` are the host names of the hub in tokens and browsers; the first is its own name.
 * `anonymous` is the viewer of requests without a token. With it, the API accepts only its own host names, because then
 * it depends on the browser to refuse pages of other sites. `allowedOrigins` are the origins of such pages that it accepts, or `*`.
 */
export function createGraphqlServer(
  deps: Deps,
  options: {
    readonly hostNames: readonly string[]
    readonly anonymous: Viewer | undefined
    readonly allowedOrigins?: readonly string[]
    /** Limits the WebSockets of each address, and their refused tokens. Default: they are not limited. */
    readonly arrivals?: Arrivals
    /** Default: accepts shared access signatures, and requests without one as `anonymous`. */
    readonly authenticator?: Authenticator
    /** Replaces the check of credentials, for tests. */
    readonly authenticate?: Authenticate
    /** Documents with ids. Undefined: clients send texts only. */
    readonly trusted?: TrustedDocuments | undefined
    /** Gets the operations of WebSockets. Default: off. */
    readonly accessLog?: AccessLog | undefined
  },
): GraphqlServer {
  const { hostNames, anonymous, allowedOrigins = [], trusted, accessLog } = options
  if (anonymous !== undefined && allowedOrigins.includes('*')) {
    throw new Error('Without tokens, pages of any origin could do everything.')
  }
  const origins = createOrigins(allowedOrigins)
  const [hubName = ''] = hostNames
  const names = anonymous && [...new Set([...hostNames, ...loopbackNames])]
  const mask = createMask(deps.log)
  const printPieces = createPrintPieces(mask, deps.limits.answerBytes)
  const print = inOnePiece(printPieces)
  const streams = new Set<() => void>()
  const documents = createDocuments(schema, deps.limits)
  const documentOf = createDocumentOf(documents, trusted)
  const trustedDocumentsOnly = trusted?.only ?? false
  const measured = measureOperations(
    createRunOperation(documents.execute, mask),
    deps,
    (document) => trusted?.isTrusted(document) === true,
  )
  const shared = createSharedSubscribe(documents.execute, mask)
  const traced = traceOperations(measured, deps.tracing)
  const run = accessLog === undefined ? traced : noteOperations(traced)
  const tracedShared = traceSubscriptions(shared, deps.tracing)
  const subscribe = accessLog === undefined ? tracedShared : noteSubscriptions(tracedShared)

  const accepting = options.authenticator ?? createAuthenticator(deps, { hostNames, anonymous })
  const { tokenNeeded } = accepting
  const standings = standingByRights(deps.clock, accepting)
  const judge = options.authenticate ?? accepting.authenticate
  const logRefusal = createRefusalLog(deps)
  const refuse = (cause: RefusalCause, reason: string, address = '', record?: RequestRecord): void =>
    logRefusal({ protocol: 'GraphQL', cause, reason, address, ...(record && { requestId: record.id }) })
  const refuseRequest = (cause: RefusalCause, reason: string, request: IncomingMessage): void =>
    refuse(cause, reason, addressOf(request), recordOf(request))

  const authenticate: Authenticate = async (authorization, from) => {
    try {
      const viewer = await judge(authorization, from)
      if (from.record !== undefined) from.record.actor = viewer.id
      return viewer
    } catch (error) {
      if (error instanceof UnauthorizedError) refuse('credential', error.reason, from.address, from.record)
      throw error
    }
  }

  const compress = createCompress()
  const mayContinue = createMayContinue(deps.clock, accepting)
  const exportAudit = createAuditExport(deps, authenticate, mayContinue)
  const exportResults = createResultsExport(deps, authenticate, mayContinue)
  const sendSchema = createSchemaFile(schema, { authenticate, compress, trustedDocumentsOnly })
  const download =
    (send: (request: IncomingMessage, response: ServerResponse) => Promise<void>) =>
    (request: IncomingMessage, response: ServerResponse): void => {
      const refusal = crossSiteRefusal(request, names, () => false)
      if (refusal !== undefined) {
        refuseRequest('origin', refusal.message, request)
        respondError(response, 403, { message: refusal.message, extensions: { code: 'FORBIDDEN' } })
        return
      }
      send(request, response).catch((error: unknown) =>
        refuseDownload(response, error, mask(error, recordOf(request).id)),
      )
    }

  const contextOf: ContextOf = (server, client, { document, extensions, lastEventId } = {}) => {
    const {
      viewer,
      address,
      record,
      outlet,
      whenAnswered,
      whenTaken,
      standing = standings,
      signal: ofOperation,
    } = server
    if (viewer === undefined) throw new Error('An operation has no viewer.')
    const caller = callerOf(viewer, address)
    const { answerBytes } = deps.limits
    // A request without a connection, which only tests make, has no end at which it could release its room.
    const leaves = whenAnswered !== undefined || ofOperation !== undefined
    const takeRoom = leaves ? () => deps.answerRoom.enter(caller, answerBytes, client.signal) : undefined
    const newAnswer = (): AnswerBudget => new AnswerBudget(answerBytes, takeRoom)
    const answer = newAnswer()
    const release = (): void => answer.release()
    if (whenAnswered !== undefined) whenAnswered(release)
    else ofOperation?.addEventListener('abort', release, { once: true })
    const group = {}
    const transport = { outlet, whenTaken, standing, streams, lastEventId, wantsCost: wantsCost(extensions) }
    return {
      deps,
      viewer,
      caller,
      address,
      record,
      hubName,
      trustedDocumentsOnly,
      isWithinComplexity: document !== undefined && trusted?.isWithinComplexity(document) === true,
      answer,
      newAnswer,
      group,
      get signal() {
        return client.signal
      },
      ...transport,
    }
  }

  const admit = createAdmission(authenticate, deps)
  const yoga: Yoga = createYoga<ServerContext, Context>({
    schema,
    context(initial) {
      const { request } = initial
      const { extensions } = initial.params
      return contextOf(initial, request, { extensions, lastEventId: request.headers.get('last-event-id') || undefined })
    },
    plugins: [
      jsonOnly,
      admission(admit),
      httpForm(print, createParseParams(deps, documents, documentOf)),
      operating({ ...deps, documents, documentOf, run, subscribe: overHttp(subscribe, { mask, print }) }),
      printing(print),
      closing,
    ],
    extraParamNames: ['documentId'],
    maxRequestBodySize: maxBodyBytes,
    // `documents` caches.
    parserAndValidationCache: false,
    batching: false,
    multipart: false,
    cors: false,
    landingPage: false,
    // The server of the console serves GraphiQL.
    graphiql: false,
    maskedErrors: { maskError: (error) => mask(error) },
    // The mask logs errors.
    logging: {
      debug() {},
      info() {},
      warn: (...texts) => deps.log.warn({ texts }, 'GraphQL server warning'),
      error() {},
    },
  })

  const handleAny = async (request: IncomingMessage, response: ServerResponse, server: ServerContext): Promise<void> =>
    yoga(request, response, server)
  const handle = createPlainRequests(schema, deps, {
    ...{ admit, documents, documentOf, contextOf, run, mask, compress, handleAny },
    print: printPieces,
  })
  const webSockets = createWebSockets(deps, {
    documents,
    documentOf,
    contextOf,
    run,
    subscribe,
    authenticate: options.arrivals === undefined ? authenticate : countedAuthenticate(authenticate, options.arrivals),
    arrivals: options.arrivals,
    accepting,
    mask,
    print,
    accessLog,
  })
  deps.metrics?.read('twincast_graphql_subscriptions', () => [{ labels: {}, value: streams.size }])
  return {
    path: '/graphql',
    methods: ['GET', 'POST', 'OPTIONS'],
    headersFor: ({ headers }) => origins.headersFor(headers),
    isOpen: ({ method }) => method === 'OPTIONS',
    handle(request, response) {
      const refusal = crossSiteRefusal(request, names, origins.allows)
      if (refusal !== undefined) {
        const { message, missing } = refusal
        refuseRequest('origin', message, request)
        respondError(response, 403, { message, extensions: { code: 'FORBIDDEN', ...(missing && { missing }) } })
        return
      }
      if (request.method === 'OPTIONS') {
        response.writeHead(204, origins.preflightHeaders(request.headers)).end()
        return
      }
      // A request without a required token costs no more than this.
      if (anonymous === undefined && request.headers.authorization === undefined) {
        refuseRequest('credential', 'no token was sent', request)
        const { message, code } = tokenNeeded
        respondError(response, 401, { message, extensions: { code } }, challengeOf(tokenNeeded))
        return
      }
      handle(request, response, {
        address: addressOf(request),
        record: recordOf(request),
        forwarded: isForwarded(request),
        whenAnswered: (act) => (response.destroyed ? act() : response.once('close', act)),
        whenTaken(act) {
          if (response.destroyed || !response.writableNeedDrain) return act()
          const once = (): void => {
            response.off('drain', once).off('close', once)
            act()
          }
          response.on('drain', once).on('close', once)
        },
        beforeAnswer() {
          // Nobody reads the rest of a refused request, and without it no other request can use this connection.
          if (!request.complete) response.setHeader('connection', 'close')
        },
      }).catch((error: unknown) => {
        deps.log.error({ err: error, requestId: recordOf(request).id }, 'GraphQL request could not be answered')
        response.destroy()
      })
    },
    upgrade(request, connection, head) {
      const refusal = crossSiteRefusal(request, names, origins.allows)
      if (refusal === undefined) {
        webSockets.upgrade(request, connection, head)
        return
      }
      const { message } = refusal
      refuseRequest('origin', message, request)
      refuseUpgrade(request, connection, { status: '403 Forbidden', message })
    },
    audit: { path: '/audit', methods: ['GET'], handle: download(exportAudit) },
    results: { path: '/results', below: true, methods: ['GET'], handle: download(exportResults) },
    schemaFile: { path: '/graphql/schema.graphql', methods: ['GET', 'HEAD'], handle: download(sendSchema) },
    fetch: yoga.fetch,
    openStreams: () => streams.size,
    async close() {
      standings.close()
      accepting.close()
      await webSockets.close()
      for (const end of streams) end()
    },
  }
}

/** Responds without reading the request, so it has to be the last one on its connection. */
function respondError(response: ServerResponse, status: 401 | 403, error: object, further = {}): void {
  const headers = { 'content-type': 'application/json; charset=utf-8', connection: 'close' }
  response.writeHead(status, { ...headers, ...further })
  response.end(JSON.stringify({ errors: [error] }))
}

/**
 * Accepts only JSON bodies: a form of another site can post text, URL-encoded and multipart bodies without a preflight
 * request, but not JSON.
 */
const jsonOnly: Plugin<ServerContext> = {
  onRequestParse({ request, endResponse, fetchAPI }) {
    if (request.method !== 'POST' || isJsonBody(request.headers)) return
    const error = { message: notJsonBody, extensions: { code: 'UNSUPPORTED_MEDIA_TYPE' } }
    endResponse(fetchAPI.Response.json({ errors: [error] }, { status: 415 }))
  },
}

/** Admits requests before their bodies are read. */
const admission = (admit: Admit): Plugin<ServerContext, ServerContext> => ({
  async onRequestParse({ request, serverContext }) {
    if (serverContext.isAdmitted) return
    const bytes = request.method === 'POST' ? announcedBytes(request, maxBodyBytes) : request.url.length
    await admit(serverContext, { authorization: request.headers.get('authorization') ?? undefined, bytes })
  },
})

/** Lets Yoga handle operations like the other transports. */
const operating = ({
  documents,
  documentOf,
  run,
  subscribe,
  longTurns,
}: {
  readonly documents: Documents
  readonly documentOf: DocumentOf
  readonly run: RunOperation
  readonly subscribe: Subscribe
} & Pick<Deps, 'longTurns'>): Plugin<ServerContext, ServerContext> => ({
  onParams({ params, setParams, context, paramsHandler, setParamsHandler }) {
    refuseDeepVariables(params.variables)
    const { viewer, address, isLong, document: known } = context
    if (isLong && viewer !== undefined) {
      setParamsHandler((payload) => longTurns.count(callerOf(viewer, address), () => paramsHandler(payload)))
    }
    if (!namesDocument(params) || typeof (params.query ?? '') !== 'string') return
    // Yoga knows documents by their texts only.
    const document = known ?? documentOf({ ...params, query: params.query ?? '' })
    setParams({ ...params, query: document.loc?.source.body ?? printDocument(document) })
  },
  onParse({ context: { document }, setParsedDocument, setParseFn }) {
    if (document !== undefined) setParsedDocument(document)
    else setParseFn((source) => documentOf({ query: typeof source === 'string' ? source : source.body }))
  },
  onValidate({ setValidationFn }) {
    setValidationFn((_schema, document) => documents.validate(document))
  },
  onExecute({ setExecuteFn }) {
    setExecuteFn(run)
  },
  onSubscribe({ setSubscribeFn }) {
    setSubscribeFn(subscribe)
  },
})

/** Prints results that are not events of subscriptions. */
const printing = (print: PrintResult): Plugin => ({
  onResultProcess({ result, setResult }) {
    if (!(Symbol.asyncIterator in result || Array.isArray(result))) setResult(printedBy(print, result))
  },
})

/** Answers of Yoga may leave the rest of a request unread, like others. */
const closing: Plugin<Context, ServerContext> = {
  onResponse: ({ serverContext }) => serverContext.beforeAnswer?.(),
}
