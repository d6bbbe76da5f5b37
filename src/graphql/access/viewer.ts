import { rights, type Right as ViewerRight } from '../../access/rights.ts'
import type { Viewer as Caller } from '../../access/viewer.ts'
import { printScope } from '../../query/scope.ts'
import { builder } from '../builder.ts'

const ViewerKind = builder.enumType('ViewerKind', {
  description: 'What a caller is. New values may be added.',
  values: {
    PERSON: { value: 'person', description: 'A person, with a token of an OpenID provider.' },
    POLICY: { value: 'policy', description: 'A program with a key of a shared access policy.' },
    ANONYMOUS: { value: 'anonymous', description: 'A client on the machine of the hub, without a token.' },
  } as const,
})

const Right = builder.enumType('Right', {
  description: 'What a caller may do. New values may be added.',
  values: {
    READ_DEVICES: { value: 'readDevices', description: 'Read devices without their keys.' },
    READ_KEYS: { value: 'readKeys', description: 'Read the symmetric keys of devices.' },
    WRITE_DEVICES: { value: 'writeDevices', description: 'Create, change and delete devices.' },
    READ_TWINS: { value: 'readTwins', description: 'Read twins and telemetry, and select devices by conditions.' },
    WRITE_TWINS: { value: 'writeTwins', description: 'Change twins.' },
    INVOKE_METHODS: { value: 'invokeMethods', description: 'Call methods of devices.' },
    READ_JOBS: { value: 'readJobs', description: 'Read jobs, and the schema.' },
    WRITE_JOBS: { value: 'writeJobs', description: 'Schedule, retry and cancel jobs.' },
    APPROVE_JOBS: {
      value: 'approveJobs',
      description: 'Approve and reject jobs that wait for it, unless the same client scheduled them.',
    },
    AUDIT_READ: { value: 'auditRead', description: 'Read who changed what.' },
    MANAGE_WEBHOOKS: { value: 'manageWebhooks', description: 'Read and change webhooks.' },
    CONNECT_DEVICES: { value: 'connectDevices', description: 'Connect as any device.' },
  } satisfies Record<string, { value: ViewerRight; description: string }>,
})

const Viewer = builder.objectRef<Caller>('Viewer').implement({
  description: 'The caller of this request, with its rights.',
  fields: (t) => ({
    kind: t.field({ type: ViewerKind, description: 'What the caller is.', resolve: ({ kind }) => kind }),
    subject: t.exposeString('subject', {
      description: 'The subject of the token, or the name of the policy. Unique together with `issuer`.',
    }),
    issuer: t.exposeString('issuer', {
      nullable: true,
      description: 'The issuer of the token. Null unless `kind` is PERSON.',
    }),
    name: t.exposeString('name', { description: 'The name of the person or of the policy, for people.' }),
    roles: t.field({
      type: ['String'],
      description: 'The roles of the token that the hub knows. Empty for a policy.',
      resolve: ({ roles }) => [...roles],
    }),
    rights: t.field({
      type: [Right],
      description: 'What the caller may do. A field that requires another right is refused with FORBIDDEN.',
      resolve: (viewer) => rights.filter((right) => viewer.rights.has(right)),
    }),
    scope: t.string({
      nullable: true,
      description: 'The condition that a device must meet for the caller to see it. Null for all devices.',
      resolve: ({ scope }) => printScope(scope),
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the credential expires. Null when it does not expire.',
      resolve: ({ expiry }) => (expiry === undefined ? null : new Date(Math.floor(expiry * 1000))),
    }),
  }),
})

builder.queryField('viewer', (t) =>
  t.field({
    type: Viewer,
    description: 'The caller. Requires no right.',
    resolve: (_root, _args, { viewer }) => viewer,
  }),
)
