import { readInTime } from '../../database/bounded-read.ts'
import { countDevices } from '../../device/selection-store.ts'
import { type DeviceGroupRow, findDeviceGroup, findDeviceGroups } from '../../device-group/store.ts'
import { etagOf } from '../../etag.ts'
import { builder } from '../builder.ts'
import { compileInTurn } from '../condition-in-turn.ts'
import { forwardArguments, type KeysetList, pageComplexity, resolvePage, selectsRows } from '../connection.ts'
import { askerOf } from '../context.ts'
import { mayFail } from '../may-fail.ts'

/** A count reads as many rows as a list may, so it counts as several objects. */
const countComplexity = { field: 10, multiplier: 1 }

export const DeviceGroup = builder.node(builder.objectRef<DeviceGroupRow>('DeviceGroup'), {
  id: { resolve: ({ name }) => name },
  loadWithoutCache: (name, { deps }) => findDeviceGroup(deps.db, name),
  description:
    "A condition with a name. In conditions over GraphQL, `group('north-pumps')` stands for the condition of the group `north-pumps`, as it is at the time of the request. A job keeps the conditions that its groups had when it was scheduled.",
  authScopes: { right: 'readJobs' },
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name, which identifies the group.' }),
    queryCondition: t.exposeString('queryCondition', { description: 'The condition that selects the devices.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'What people should know about the group. Null without a description.',
    }),
    deviceCount: t.int({
      authScopes: { right: ['readDevices', 'readTwins'] },
      complexity: countComplexity,
      ...mayFail(
        'Number of devices in the group now, of those in your scope. Counted only when selected. An error with the code LIMIT_EXCEEDED when counting takes too long.',
      ),
      resolve: async ({ queryCondition }, _args, context) => {
        const condition = await compileInTurn(context, queryCondition)
        return readInTime(context.deps, askerOf(context), (db) => countDevices(db, context.viewer.scope, condition))
      },
    }),
    etag: t.string({
      description: 'The etag, for `ifMatch`. Changes with each change of the group.',
      resolve: ({ etagVersion }) => etagOf(etagVersion),
    }),
    createdTime: t.expose('createdTime', { type: 'DateTime', description: 'When it was created.' }),
    updatedTime: t.expose('updatedTime', { type: 'DateTime', description: 'When it was last saved.' }),
    updatedBy: t.exposeString('updatedBy', { description: 'The name of the person or policy that last saved it.' }),
  }),
})

const groupsByName: KeysetList<DeviceGroupRow, string> = {
  name: 'deviceGroups',
  keysOf: ({ name }) => [name],
  parseKeys: ([name, ...others]) => (others.length === 0 ? name : undefined),
}

const DeviceGroupConnection = builder.connectionObject(
  { type: DeviceGroup, name: 'DeviceGroupConnection', description: 'A page of device groups, by name.' },
  { name: 'DeviceGroupEdge', description: 'A device group on a page, with its cursor.' },
)

builder.queryField('deviceGroups', (t) =>
  t.field({
    type: DeviceGroupConnection,
    authScopes: { right: 'readJobs' },
    complexity: (args) => pageComplexity(args),
    ...mayFail('All device groups, by name.'),
    args: forwardArguments(),
    resolve: (_root, page, { deps }, info) => {
      deps.throttles.take('queries')
      return resolvePage(
        groupsByName,
        page,
        async ({ cursor: after, limit }) => (selectsRows(info) ? findDeviceGroups(deps.db, { after, limit }) : []),
        () => 0,
      )
    },
  }),
)

builder.queryField('deviceGroup', (t) =>
  t.field({
    type: DeviceGroup,
    nullable: true,
    authScopes: { right: 'readJobs' },
    description: 'The device group with this name. Null when it does not exist.',
    args: { name: t.arg.string({ required: true, description: 'The name, case-sensitive.' }) },
    resolve: (_root, { name }, { deps }) => {
      deps.throttles.take('queries')
      return findDeviceGroup(deps.db, name)
    },
  }),
)
