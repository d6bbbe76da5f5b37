import type { GraphQLResolveInfo } from 'graphql'
import { twinDetail } from '../../audit/entry.ts'
import { findGeneration } from '../../device/store.ts'
import { InvalidInputError, NotFoundError, PreconditionError } from '../../errors.ts'
import { etagOf } from '../../etag.ts'
import { isEverything } from '../../scope.ts'
import { checkTwinPatch } from '../../twin/check-patch.ts'
import { patchTwin } from '../../twin/commands.ts'
import { documentsIn, findTwinTexts, type TwinDocument, type TwinTexts } from '../../twin/text-store.ts'
import { builder } from '../builder.ts'
import { passesRow, readsColumns, selectedColumns } from '../columns.ts'
import type { Context } from '../context.ts'
import { resultUnion } from '../errors.ts'
import { pacedRows } from '../live/paced-rows.ts'
import { readDocuments } from '../live/read-documents.ts'
import { either, identityOf, presenceOf } from '../live/select-events.ts'
import { sharedReads } from '../live/shared-reads.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { documentsPerParent } from '../loaders.ts'
import { mayFail } from '../may-fail.ts'
import { selectsField } from '../transport/selects-field.ts'
import { Device, ofDevice, readDevice } from './device.ts'
import { TwinPatchInput } from './twin-patch.ts'

// Reading: documents stay text from the database to the answer, and are read only when a client selects them

const twinsOf = documentsPerParent(
  async (db, scope, deviceIds, names: readonly TwinDocument[], _now, answer) => {
    const { twins } = await answer.read((maxBytes) => findTwinTexts(db, scope, deviceIds, names, maxBytes))
    return twins
  },
  ({ deviceId }) => deviceId,
)

/** The documents of the twin that a client selects. Metadata is by far the largest and is rarely selected. */
function documentsAsked(info: GraphQLResolveInfo): readonly TwinDocument[] {
  const [value, metadata] = [selectsField(info, 'value'), selectsField(info, 'metadata')]
  return documentsIn(selectedColumns(info, 'Twin')).filter(
    (name) => name === 'tags' || (name.endsWith('Metadata') ? metadata : value),
  )
}

async function findTwin(context: Context, info: GraphQLResolveInfo, deviceId: string): Promise<TwinTexts | undefined> {
  const [twin] = await twinsOf(context, deviceId, documentsAsked(info))
  return twin
}

async function readTwin(context: Context, info: GraphQLResolveInfo, deviceId: string): Promise<TwinTexts> {
  const twin = await findTwin(context, info, deviceId)
  if (twin === undefined) throw new NotFoundError('device', deviceId)
  return twin
}

// Objects

type Section = { readonly value: unknown; readonly metadata: unknown; readonly version: number }

const TwinSection = builder.objectRef<Section>('TwinSection').implement({
  description: 'One section of the properties of a twin.',
  fields: (t) => ({
    value: t.expose('value', { type: 'JSON', description: 'The properties, a JSON object.' }),
    metadata: t.expose('metadata', {
      type: 'JSON',
      description: 'When each property was written. Has the structure of `value`, with `$lastUpdated` in every object.',
    }),
    version: t.exposeInt('version', {
      description: 'The version of this section. Increases with each write of the section.',
    }),
  }),
})

const ofTwin = readsColumns<TwinTexts>

const TwinProperties = builder.objectRef<TwinTexts>('TwinProperties').implement({
  description: 'The desired and reported properties of a device.',
  fields: (t) => ({
    desired: t.field({
      type: TwinSection,
      ...ofTwin('desired', 'desiredMetadata'),
      description: 'The desired properties, which services write. At most 32 KB.',
      resolve: (row) => ({ value: row.desired, metadata: row.desiredMetadata, version: row.desiredVersion }),
    }),
    reported: t.field({
      type: TwinSection,
      ...ofTwin('reported', 'reportedMetadata'),
      description: 'The reported properties, which the device writes. At most 32 KB.',
      resolve: (row) => ({ value: row.reported, metadata: row.reportedMetadata, version: row.reportedVersion }),
    }),
  }),
})

const Twin = builder.node(builder.objectRef<TwinTexts>('Twin'), {
  id: { resolve: ({ deviceId }) => deviceId },
  loadWithoutCache: (id, context, info) => findTwin(context, info, id),
  description: 'The twin of a device: its tags, desired properties and reported properties.',
  authScopes: { right: 'readTwins' },
  fields: (t) => ({
    device: t.field({
      type: Device,
      ...mayFail('The device.'),
      resolve: ({ deviceId }, _args, context, info) => readDevice(context, info, deviceId),
    }),
    etag: t.string({
      description:
        'The etag for `ifMatch`. Changes with each write by a service. Reported properties do not change it.',
      resolve: ({ etagVersion }) => etagOf(etagVersion),
    }),
    version: t.exposeInt('version', {
      description: 'The version of the twin. Increases with each write, by a service or by the device.',
    }),
    tags: t.expose('tags', {
      type: 'JSON',
      description: 'The tags, a JSON object. Services read and write them; the device never sees them. At most 8 KB.',
    }),
    properties: t.field({
      type: TwinProperties,
      ...passesRow(),
      description: 'The properties, which services share with the device.',
      resolve: (twin) => twin,
    }),
  }),
})

builder.objectField(Device, 'twin', (t) =>
  t.field({
    type: Twin,
    ...ofDevice('id'),
    authScopes: { right: 'readTwins' },
    ...mayFail('The twin of the device. Requires the right serviceConnect.'),
    resolve: ({ id }, _args, context, info) => readTwin(context, info, id),
  }),
)

// Mutation

const UpdateTwinInput = builder.inputType('UpdateTwinInput', {
  description: 'A change to the twin of one device.',
  fields: (t) => ({
    deviceId: t.string({ required: true, description: 'The device ID.' }),
    ifMatch: t.string({
      defaultValue: '*',
      description:
        'The expected `etag` of the twin. A PreconditionError, without any change, when the twin has another one. `*` matches any etag.',
    }),
    patch: t.field({ type: TwinPatchInput, required: true, description: 'The patch to merge into the twin.' }),
  }),
})

const UpdateTwinPayload = builder.objectRef<{ readonly deviceId: string }>('UpdateTwinPayload').implement({
  description: 'The twin was changed. A connected device is notified of new desired properties.',
  fields: (t) => ({
    device: t.field({
      type: Device,
      ...mayFail('The device.'),
      resolve: ({ deviceId }, _args, context, info) =>
        readThroughOutage(context, () => readDevice(context, info, deviceId)),
    }),
    twin: t.field({
      type: Twin,
      ...mayFail('The twin after the change.'),
      resolve: ({ deviceId }, _args, context, info) =>
        readThroughOutage(context, () => readTwin(context, info, deviceId)),
    }),
  }),
})

builder.mutationField('updateTwin', (t) =>
  t.field({
    type: resultUnion(
      'UpdateTwinResult',
      UpdateTwinPayload,
      [NotFoundError, PreconditionError, InvalidInputError],
      'The result of `updateTwin`.',
    ),
    authScopes: { right: 'writeTwins' },
    audit: {
      target: ({ input }) => input.deviceId,
      detail: ({ input: { patch } }) => twinDetail({ tags: patch.tags, desired: patch.properties?.desired }),
    },
    ...mayFail('Merges a patch into the tags and desired properties of one device.'),
    args: { input: t.arg({ type: UpdateTwinInput, required: true, description: 'The change.' }) },
    resolve: async (_root, { input: { deviceId, ifMatch, patch } }, { deps, viewer }) => {
      deps.throttles.take('twinUpdates')
      const checked = checkTwinPatch(patch, ['patch'], deps.limits)
      await patchTwin(deps, viewer.scope, { deviceId, ifMatch: ifMatch ?? '*', patch: checked })
      return { deviceId }
    },
  }),
)

// Subscription

type Found = { readonly twin: TwinTexts; readonly generationId: string }

const twins = sharedReads<Found | null>()

builder.subscriptionField('twinUpdated', (t) =>
  t.field({
    type: Twin,
    authScopes: { right: 'readTwins' },
    description:
      'The twin of a device. First sends the current twin, then the twin after each change, by a service or by the device. Changes in quick succession may be combined into one update. Completes when the device is deleted, even if another device with the same ID is created at once, or leaves the scope of the caller.',
    args: {
      deviceId: t.arg.string({
        required: true,
        description: 'The device ID. An unknown device is a request error NOT_FOUND.',
      }),
    },
    subscribe: (_root, { deviceId }, context, info) => {
      const { db, events } = context.deps
      const { scope } = context.viewer
      const names = documentsAsked(info)
      const find = async (): Promise<Found | null> => {
        const {
          twins: [twin],
        } = await readDocuments(context, (maxBytes) => findTwinTexts(db.reads, scope, [deviceId], names, maxBytes))
        // Read after the twin: if the generation is still the same, the twin belongs to this device.
        const generationId = await findGeneration(db.reads, scope, deviceId)
        return twin === undefined || generationId === undefined ? null : { twin, generationId }
      }
      let mine = { generationId: '', version: 0 }
      const show = ({ twin, generationId }: Found) => {
        mine = { generationId, version: twin.version }
        return [twin]
      }
      const goesOn = (found: Found | null): found is Found =>
        found !== null && found.generationId === mine.generationId && found.twin.version >= mine.version
      const changes = either<object, object>(events.listen('twin', deviceId), identityOf(events, deviceId))
      // The connection state is not part of a twin, but may decide whether the device is in the scope.
      const listen = isEverything(scope) ? changes : either(changes, presenceOf(events, deviceId))
      return pacedRows(context, listen, {
        keyOf: () => deviceId,
        first: async () => {
          const found = await twins.first(context, find)
          if (found === null) throw new NotFoundError('device', deviceId)
          return show(found)
        },
        read: async (_key, event) => {
          const shared = await twins.after(context, event, find)
          // Another subscription may have read it before this client got its first twin.
          const found = goesOn(shared) ? shared : await readThroughOutage(context, find)
          if (!goesOn(found)) return null
          return found.twin.version === mine.version ? [] : show(found)
        },
      })
    },
    resolve: (twin) => twin,
  }),
)
