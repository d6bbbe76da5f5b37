import { deleteDeviceGroup, saveDeviceGroup } from '../../device-group/commands.ts'
import { findDeviceGroup } from '../../device-group/store.ts'
import {
  ConflictError,
  InvalidInputError,
  NotFoundError,
  PreconditionError,
  QueryConditionError,
} from '../../errors.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { resultUnion } from '../errors.ts'
import { requireAllDevices } from '../forbidden.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { mayFail } from '../may-fail.ts'
import { encodeNodeId } from '../node-id.ts'
import { DeviceGroup } from './device-group.ts'

/** Validated by device-group/request.ts. */
const SaveDeviceGroupInput = builder.inputType('SaveDeviceGroupInput', {
  description: 'The device group to create or to replace.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'The name: up to 64 ASCII letters, digits, dots, dashes and underscores, case-sensitive.',
    }),
    queryCondition: t.string({
      required: true,
      description:
        "The condition that selects the devices, such as `tags.site = 'north'`. `*` selects all devices. It cannot name other groups. At most 8192 characters.",
    }),
    description: t.string({ description: 'What people should know about the group: at most 2000 characters.' }),
    ifMatch: t.string({
      description:
        'The etag that the group must have, or `*` for any. Nothing is created then. When omitted, a group with this name is replaced whatever its etag.',
    }),
  }),
})

const DeleteDeviceGroupInput = builder.inputType('DeleteDeviceGroupInput', {
  description: 'The device group to delete.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'The name.' }),
    ifMatch: t.string({ description: 'The etag that the group must have. Any when omitted.' }),
  }),
})

const SaveDeviceGroupPayload = builder.objectRef<{ readonly name: string }>('SaveDeviceGroupPayload').implement({
  description: 'The device group is saved.',
  fields: (t) => ({
    deviceGroup: t.field({
      type: DeviceGroup,
      ...mayFail('The device group after the change.'),
      // The change is committed: an outage during this read must not look like a failure of the mutation.
      resolve: async ({ name }, _args, context) => {
        const group = await readThroughOutage(context, () => findDeviceGroup(context.deps.db, name))
        if (group !== null) return group
        throw new NotFoundError('device group', name, 'The device group was deleted in the meantime.')
      },
    }),
  }),
})

const DeleteDeviceGroupPayload = builder.objectRef<{ readonly name: string }>('DeleteDeviceGroupPayload').implement({
  description: 'The device group is deleted. Jobs that were scheduled with it keep their condition.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name.' }),
    id: t.id({
      description: 'The global ID of the deleted device group, for client caches.',
      resolve: ({ name }) => encodeNodeId('DeviceGroup', name),
    }),
  }),
})

/** A group of everybody must not be changed by one who sees some devices only: others use it for all of theirs. */
function admit({ deps, viewer }: Context): void {
  requireAllDevices(viewer, 'Device groups are for the devices of all. They can be changed only without a scope.')
  deps.throttles.take('jobOperations')
}

builder.mutationField('saveDeviceGroup', (t) =>
  t.field({
    type: resultUnion(
      'SaveDeviceGroupResult',
      SaveDeviceGroupPayload,
      [InvalidInputError, QueryConditionError, NotFoundError, PreconditionError, ConflictError],
      'The result of `saveDeviceGroup`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: {
      target: ({ input }) => input.name,
      detail: ({ input: { queryCondition } }) => ({ queryCondition }),
    },
    ...mayFail(
      'Creates a device group, or replaces the one with this name. Jobs that were scheduled with it keep their condition. A ConflictError when there are as many groups as allowed. Requires no scope.',
    ),
    args: { input: t.arg({ type: SaveDeviceGroupInput, required: true, description: 'The device group.' }) },
    resolve: async (_root, { input: { ifMatch, ...group } }, context) => {
      admit(context)
      await saveDeviceGroup(context.deps, context.viewer, group, ifMatch)
      return { name: group.name }
    },
  }),
)

builder.mutationField('deleteDeviceGroup', (t) =>
  t.field({
    type: resultUnion(
      'DeleteDeviceGroupResult',
      DeleteDeviceGroupPayload,
      [NotFoundError, PreconditionError, ConflictError],
      'The result of `deleteDeviceGroup`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: { target: ({ input }) => input.name },
    ...mayFail('Deletes a device group. A ConflictError while a job template names it. Requires no scope.'),
    args: { input: t.arg({ type: DeleteDeviceGroupInput, required: true, description: 'The device group.' }) },
    resolve: async (_root, { input: { name, ifMatch } }, context) => {
      admit(context)
      await deleteDeviceGroup(context.deps, name, ifMatch)
      return { name }
    },
  }),
)
