import {
  type AuditPlace,
  type AuditRow,
  type AuditSelection,
  findAuditEntries,
  findAuditEntry,
} from '../../audit/store.ts'
import { parseZonedDateTime } from '../../date-time.ts'
import { builder } from '../builder.ts'
import { forwardArguments, type KeysetList, pageComplexity, resolvePage, selectsRows } from '../connection.ts'
import { DateTimeRange } from '../date-time-range.ts'
import { requireWholeAudit } from '../forbidden.ts'
import { mayFail } from '../may-fail.ts'

const ActorKind = builder.enumType('ActorKind', {
  description: 'What an actor is. New values may be added.',
  values: {
    PERSON: { value: 'person', description: 'A person, with a token of an OpenID provider.' },
    POLICY: { value: 'policy', description: 'A program with a key of a shared access policy.' },
    ANONYMOUS: { value: 'anonymous', description: 'A client on the machine of the hub, without a token.' },
    HUB: { value: 'hub', description: 'The hub itself.' },
  } as const,
})

const AuditOutcome = builder.enumType('AuditOutcome', {
  description: 'How an operation ended.',
  values: {
    SUCCEEDED: {
      value: 'succeeded',
      description:
        'It was carried out. A method call counts as soon as it was sent; `code` then shows that its answer is missing or not valid.',
    },
    REFUSED: { value: 'refused', description: 'It was not possible, for the reason in `code`. Nothing was changed.' },
    DENIED: { value: 'denied', description: 'The actor may not do it. Nothing was changed.' },
    FAILED: {
      value: 'failed',
      description: 'The hub or its database had a fault. Whether it was carried out is unknown.',
    },
  } as const,
})

const parseKey = (text: string): bigint | undefined => (/^[1-9]\d{0,17}$/.test(text) ? BigInt(text) : undefined)

const AuditEntry = builder.node(builder.objectRef<AuditRow>('AuditEntry'), {
  id: { resolve: ({ key }) => String(key) },
  loadWithoutCache: async (id, { deps, viewer }) => {
    requireWholeAudit(viewer)
    const key = parseKey(id)
    return key === undefined ? null : findAuditEntry(deps.db, key)
  },
  description: 'An operation by which an actor changed something, was refused a change, or read keys of devices.',
  authScopes: { right: 'auditRead' },
  fields: (t) => ({
    time: t.expose('time', { type: 'DateTime', description: 'When the operation was carried out or refused.' }),
    actor: t.exposeString('actor', { description: 'The name of the person or of the shared access policy.' }),
    kind: t.field({ type: ActorKind, description: 'What the actor is.', resolve: ({ actorKind }) => actorKind }),
    issuer: t.exposeString('issuer', {
      nullable: true,
      description: 'The issuer of the token of the person. Null unless `kind` is PERSON.',
    }),
    subject: t.exposeString('subject', {
      description: 'The subject of the token of the person, or the name of the policy. Unique together with `issuer`.',
    }),
    operation: t.exposeString('operation', {
      description:
        'The name of the mutation, the `operationId` of the REST operation, or `readKeys` for reading the symmetric keys of devices.',
    }),
    target: t.exposeString('target', {
      nullable: true,
      description: 'The ID of the device or job. Null for operations on several devices.',
    }),
    address: t.exposeString('address', {
      nullable: true,
      description: 'The address of the client. Null when it is unknown.',
    }),
    outcome: t.field({ type: AuditOutcome, description: 'How it ended.', resolve: ({ outcome }) => outcome }),
    code: t.exposeString('code', {
      nullable: true,
      description: 'The code of the error. Null when there was no error.',
    }),
    detail: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'More about the operation. Never a key, a payload or a value of a twin. `times` is the number of refused operations that the entry stands for. Null when there is no more.',
      resolve: ({ detail }) => detail,
    }),
  }),
})

const AuditFilter = builder.inputType('AuditFilter', {
  description: 'Selects entries that match all given fields. Texts must be equal, case-sensitive.',
  fields: (t) => ({
    actor: t.string({ description: 'The name of the actor.' }),
    subject: t.string({ description: 'The subject of the actor.' }),
    operation: t.stringList({ description: 'The operation is one of these.' }),
    target: t.string({ description: 'The ID of the device or job.' }),
    outcome: t.field({ type: [AuditOutcome], description: 'The outcome is one of these.' }),
    time: t.field({ type: DateTimeRange, description: 'The operation took place in this time range.' }),
  }),
})

/** The filter in the form of the store. */
function selectionOf(filter: typeof AuditFilter.$inferInput | null | undefined): AuditSelection {
  const { actor, subject, operation, target, outcome, time } = filter ?? {}
  return {
    actor: actor ?? undefined,
    subject: subject ?? undefined,
    operations: operation ?? undefined,
    target: target ?? undefined,
    outcomes: outcome ?? undefined,
    from: time?.from ?? undefined,
    to: time?.to ?? undefined,
  }
}

const newestFirst: KeysetList<AuditRow, AuditPlace> = {
  name: 'auditLog',
  keysOf: ({ time, key }) => [time.toISOString(), String(key)],
  parseKeys([timeText = '', keyText = '', ...others]) {
    const time = parseZonedDateTime(timeText)
    const key = parseKey(keyText)
    return time === undefined || key === undefined || others.length > 0 ? undefined : { time, key }
  },
}

const AuditConnection = builder.connectionObject(
  { type: AuditEntry, name: 'AuditConnection', description: 'A page of the audit, the newest entries first.' },
  { name: 'AuditEdge', description: 'An entry on a page, with its cursor.' },
)

builder.queryField('auditLog', (t) =>
  t.field({
    type: AuditConnection,
    authScopes: { right: 'auditRead' },
    complexity: (args) => pageComplexity(args),
    ...mayFail(
      'The operations by which actors changed something, were refused a change, or read keys of devices; the newest first. Requires the right auditRead and no scope.',
    ),
    args: {
      filter: t.arg({ type: AuditFilter, description: 'Selects entries. All when omitted.' }),
      ...forwardArguments(),
    },
    resolve: (_root, { filter, ...page }, { deps, viewer }, info) => {
      requireWholeAudit(viewer)
      deps.throttles.take('queries')
      return resolvePage(
        newestFirst,
        page,
        async ({ cursor: after, limit }) =>
          selectsRows(info) ? findAuditEntries(deps.db, selectionOf(filter), { after, limit }) : [],
        () => 0,
      )
    },
  }),
)
