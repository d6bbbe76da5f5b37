import { type DeviceGroupRow, findDeviceGroup, findDeviceGroups } from '../../device-group/store.ts'
import type { DefinitionKind } from '../../events/topics.ts'
import { findJobSchedule, findJobSchedules, type ScheduleRow } from '../../job-schedule/store.ts'
import { findJobTemplate, findJobTemplates, type TemplateRow } from '../../job-template/store.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { DeviceGroup } from '../device-group/device-group.ts'
import { JobSchedule } from '../job-schedule/job-schedule.ts'
import { JobTemplate } from '../job-template/job-template.ts'
import { sharedPacedRows } from '../live/paced-rows.ts'
import { either } from '../live/select-events.ts'
import { sharedReads } from '../live/shared-reads.ts'
import { encodeNodeId } from '../node-id.ts'

/** Maximum number of definitions in one update. */
const maxDefinitions = 100

type Row = ScheduleRow | TemplateRow | DeviceGroupRow
type Page = { readonly after: string | undefined; readonly limit: number }

/** How the definitions of each kind are read, and the name of their type. */
const kinds: {
  readonly [Kind in DefinitionKind]: {
    readonly type: string
    readonly find: (deps: Context['deps'], id: string) => Promise<Row | null | undefined>
    /** By id. */
    readonly findPage: (deps: Context['deps'], page: Page) => Promise<readonly Row[]>
  }
} = {
  jobSchedule: {
    type: 'JobSchedule',
    find: ({ db }, id) => findJobSchedule(db.reads, id),
    findPage: ({ db }, page) => findJobSchedules(db.reads, page),
  },
  jobTemplate: {
    type: 'JobTemplate',
    find: ({ db }, id) => findJobTemplate(db, id),
    findPage: ({ db }, page) => findJobTemplates(db, page),
  },
  deviceGroup: {
    type: 'DeviceGroup',
    find: ({ db }, name) => findDeviceGroup(db, name),
    findPage: ({ db }, page) => findDeviceGroups(db, page),
  },
}

const Kind = builder.enumType('DefinitionKind', {
  description: 'What jobs are scheduled with. New values may be added.',
  values: {
    JOB_SCHEDULE: { value: 'jobSchedule', description: 'Job schedules.' },
    JOB_TEMPLATE: { value: 'jobTemplate', description: 'Job templates.' },
    DEVICE_GROUP: { value: 'deviceGroup', description: 'Device groups.' },
  } as const,
})

const Definition = builder.unionType('Definition', {
  description: 'What jobs are scheduled with.',
  types: [JobSchedule, JobTemplate, DeviceGroup],
  resolveType: (row) => ('cron' in row ? JobSchedule : 'id' in row ? JobTemplate : DeviceGroup),
})

type Update = {
  readonly kind: DefinitionKind
  readonly rows: readonly Row[]
  readonly deleted: readonly string[]
  readonly initial: boolean
}

const DefinitionUpdate = builder.objectRef<Update>('DefinitionUpdate').implement({
  description: 'Job schedules, job templates or device groups, as they are now.',
  fields: (t) => ({
    definitions: t.field({
      type: [Definition],
      complexity: { field: 1, multiplier: maxDefinitions },
      description: `The definitions in their current state, ordered by ID or name: at most ${maxDefinitions}.`,
      resolve: ({ rows }) => [...rows],
    }),
    deletedIds: t.idList({
      description: 'The global IDs of definitions that were deleted, to remove them from lists and client caches.',
      resolve: ({ kind, deleted }) => deleted.map((id) => encodeNodeId(kinds[kind].type, id)),
    }),
    initial: t.exposeBoolean('initial', {
      description:
        'True for updates with the current state of all definitions of the kind. False for updates with those that changed.',
    }),
  }),
})

/** Everybody who may subscribe sees all definitions. */
const updates = sharedReads<readonly Update[]>()

/** Without an id, any of them may have changed. */
type Change = { readonly id?: string }

/** All of a kind, in batches, the last of which is not full. */
async function readAll(deps: Context['deps'], kind: DefinitionKind): Promise<readonly Update[]> {
  const found: Update[] = []
  let after: string | undefined
  for (;;) {
    const rows = await kinds[kind].findPage(deps, { after, limit: maxDefinitions })
    found.push({ kind, rows, deleted: [], initial: true })
    const last = rows.at(-1)
    if (last === undefined || rows.length < maxDefinitions) return found
    after = 'id' in last ? last.id : last.name
  }
}

async function readOne(deps: Context['deps'], kind: DefinitionKind, id: string): Promise<readonly Update[]> {
  const row = await kinds[kind].find(deps, id)
  return [{ kind, rows: row ? [row] : [], deleted: row ? [] : [id], initial: false }]
}

builder.subscriptionField('definitionChanged', (t) =>
  t.field({
    type: DefinitionUpdate,
    authScopes: { right: 'readJobs' },
    description: `What jobs are scheduled with: the job schedules, the job templates or the device groups. First sends all of the kind, in batches ordered by ID or name. The last batch has fewer than ${maxDefinitions} and may be empty. Then sends each that is created or changes, in its current state, and the IDs of deleted ones. A job schedule also changes when it runs. Changes in quick succession may be combined. When the hub may have missed changes, it sends the current state of all of them again, from the beginning.`,
    args: { kind: t.arg({ type: Kind, required: true, description: 'Which of them.' }) },
    subscribe: (_root, { kind }, context) => {
      const { deps } = context
      deps.throttles.take('jobOperations')
      const changes = either<Change, Change>(deps.events.listen('definition', kind), deps.events.listen('missed'))
      return sharedPacedRows(context, changes, {
        keyOf: ({ id }) => id ?? '',
        reads: updates,
        first: () => updates.first(context, () => readAll(deps, kind)),
        find: (id) => (id === '' ? readAll(deps, kind) : readOne(deps, kind, id)),
        show: (found) => found,
      })
    },
    resolve: (update) => update,
  }),
)
