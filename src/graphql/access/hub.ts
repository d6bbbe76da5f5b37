import { maxBodyBytes } from '../../limits/body-size.ts'
import { version } from '../../version.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { maxNewDevices, maxOperationsPerSocket, maxPageSize, maxTokens } from '../limits.ts'

const HubLimits = builder.objectRef<Pick<Context, 'deps' | 'trustedDocumentsOnly'>>('HubLimits').implement({
  description: 'Limits that a client can keep to.',
  fields: (t) => ({
    pageSize: t.int({ description: 'Maximum number of rows of a page.', resolve: () => maxPageSize }),
    requestBytes: t.int({ description: 'Maximum size of a request in bytes.', resolve: () => maxBodyBytes }),
    answerBytes: t.int({
      description: 'Maximum size of a response in bytes.',
      resolve: ({ deps }) => deps.limits.answerBytes,
    }),
    documentTokens: t.int({ description: 'Maximum number of tokens of a document.', resolve: () => maxTokens }),
    operationsPerSocket: t.int({
      description: 'Maximum number of operations at the same time on one WebSocket.',
      resolve: () => maxOperationsPerSocket,
    }),
    newDevices: t.int({
      description: 'Maximum number of devices that one mutation creates.',
      resolve: () => maxNewDevices,
    }),
    trustedDocumentsOnly: t.exposeBoolean('trustedDocumentsOnly', {
      description: 'Whether the hub refuses documents that it does not know (TRUSTED_DOCUMENTS_ONLY).',
    }),
  }),
})

const Hub = builder.objectRef<Pick<Context, 'deps' | 'hubName' | 'trustedDocumentsOnly'>>('Hub').implement({
  description: 'The hub that answers.',
  fields: (t) => ({
    name: t.exposeString('hubName', {
      description: 'The name of the hub in tokens and connection strings, as in HUB_HOST_NAME.',
    }),
    version: t.string({ description: 'The version of the hub.', resolve: () => version }),
    limits: t.field({
      type: HubLimits,
      description: 'The limits of the hub for GraphQL.',
      resolve: (hub) => hub,
    }),
  }),
})

builder.queryField('hub', (t) =>
  t.field({
    type: Hub,
    description: 'The hub. Requires no right.',
    resolve: (_root, _args, { deps, hubName, trustedDocumentsOnly }) => ({ deps, hubName, trustedDocumentsOnly }),
  }),
)
