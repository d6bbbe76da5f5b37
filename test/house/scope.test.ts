import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

// A viewer sees only the devices in its scope. These rules keep a read without a scope from being written by mistake.

const root = resolve(import.meta.dirname, '../../src')

const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !/^(?:generated|console)\//.test(file))
  .sort()

/** The program text without comments. */
const code = new Map(
  files.map((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    return [file, text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:])\/\/.*$/gm, '$1')]
  }),
)

const isStore = (file: string): boolean => /[/-]store\.ts$|\/store\//.test(file)

type Declaration = { readonly name: string; readonly exported: boolean; readonly text: string }

/** The functions and constants of a file, each with its text. */
function declarationsOf(text: string): Declaration[] {
  const starts = [...text.matchAll(/^(export )?(?:async )?(?:function|const) (\w+)/gm)]
  return starts.map(({ index, 1: exported, 2: name = '' }, place) => {
    const declaration = text.slice(index, starts[place + 1]?.index)
    return { name, exported: exported !== undefined, text: declaration }
  })
}

const stores = files.filter(isStore).map((file) => ({ file, declarations: declarationsOf(code.get(file) ?? '') }))
/** The stores, and what their statements have in common. */
const inStores = [
  ...stores.flatMap(({ declarations }) => declarations),
  ...declarationsOf(code.get('database/meets-condition.ts') ?? ''),
]

const namesTables = (text: string): boolean =>
  /\b(?:from|join|into|update)\s+(?:device|twin|device_job|device_job_dispatch|device_job_outcome|device_job_attempt)\b/.test(
    text,
  )

/** Whether the text, or what it uses of stores, names a table with rows of devices. */
function concernsDevices(text: string, seen = new Set<string>()): boolean {
  if (namesTables(text)) return true
  const words = new Set(text.match(/\b\w+\b/g))
  return inStores.some((used) => {
    if (!words.has(used.name) || seen.has(used.name)) return false
    return concernsDevices(used.text, seen.add(used.name))
  })
}

/** Whether the function takes a scope and uses it, or takes that of all devices. */
const isScoped = (text: string): boolean =>
  /\b_?scope: Everything\b/.test(text) || (/\bscope: Scope\b/.test(text) && (text.match(/\bscope\b/g) ?? []).length > 1)

/** The functions of a store that read or write, by name. Constants are parts of their statements. */
const actsOn = /\b(?:db|tx|reads): (?:\w+ & )?(?:Reader|BoundedReader|BoundedReads|Tx)\b/

/** Functions that no client reaches with a scope, by file, with the reason. */
const exceptions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'they follow the connections of devices': {
    'device/presence-store.ts': [
      'savePresence',
      'findDeviations',
      'findInstanceOf',
      'saveActivity',
      'clearPresence',
      'namesInstance',
      'findPresenceSince',
    ],
    'mqtt/session-store.ts': ['saveSessions'],
    'twin/store.ts': ['findNewerDesired'],
  },
  'a device reads its own': {
    'twin/store.ts': ['findPropertyTexts'],
  },
  'the scheduler carries jobs out on all their devices': {
    'device/store.ts': ['findDisabledIds'],
    'job/store/attempts.ts': ['findRepeated'],
    'job/store/awaited-jobs.ts': ['findFirstOverlap', 'findOverlapOf', 'awaitNext'],
    'job/store/facts.ts': [
      'findWaiting',
      'findWaitingForTheGone',
      'findCallsOfTheGone',
      'unmarkDispatched',
      'countSkipped',
      'findUnderWay',
      'findStillUnderWay',
      'findGroups',
      'findPending',
    ],
    'job/store/old-jobs.ts': ['deleteJobsEndedBefore'],
    'job/store/time-windows.ts': ['freezeZones'],
    'job/store/joins.ts': ['saveJoined', 'findWaitingConnected'],
    'job/store/targets.ts': [
      'clearTargets',
      'findTargets',
      'findTargetsAmong',
      'findTargetsInWaves',
      'findTargetsOfTheGone',
      'findOpenTargets',
      'findOpenTargetsInWaves',
    ],
  },
  'their callers have checked that the viewer sees the job whole': {
    'job/store/attempts.ts': ['countWaitingAttempts'],
    'job/store/families.ts': ['findFamilyStatistics'],
    'job/store/progress.ts': ['findRecentOutcomes', 'countNotConnected', 'countInFullGroups'],
    'job/store/retries.ts': ['isAnySelected'],
  },
  'they write rows that their callers have locked under a scope, or check afterwards': {
    'device/store.ts': ['insertDevices', 'saveIdentity', 'removeDevice'],
    'twin/store.ts': [
      'readServiceSides',
      'readSideTexts',
      'findCompliant',
      'saveDesired',
      'saveReported',
      'deleteServiceMembers',
      'deleteReportedMembers',
    ],
  },
}

const unscoped = stores.flatMap(({ file, declarations }) =>
  declarations
    .filter(({ exported, text }) => exported && actsOn.test(text) && concernsDevices(text) && !isScoped(text))
    .map(({ name }) => `${file}: ${name}`),
)
const listed = (table: Readonly<Record<string, readonly string[]>>): string[] =>
  Object.entries(table).flatMap(([file, names]) => names.map((name) => `${file}: ${name}`))

test('every function of a store that reads devices, twins or device jobs takes a scope', () => {
  const allowed = Object.values(exceptions).flatMap(listed)
  expect([...unscoped].sort()).toEqual(allowed.sort())
})

test('a function without a scope is found', () => {
  const found = (text: string) => actsOn.test(text) && concernsDevices(text) && !isScoped(text)
  expect(found('function find(db: Reader, id: string) { return db.query(sql`select from device where true`) }')).toBe(
    true,
  )
  expect(found('function find(db: Reader, scope: Scope) { return db.query(sql`select from device d`) }')).toBe(true)
  expect(found('function find(db: BoundedReader) { return db.query(devicesWhere(db)) }')).toBe(true)
  expect(found('function find(db: Reader, scope: Scope) { return db.query(sql`from device d`, scope) }')).toBe(false)
  expect(found('function find(db: Reader, scope: Everything) { return db.query(sql`select from device`) }')).toBe(false)
  expect(found('function find(db: Reader) { return db.query(sql`select from job`) }')).toBe(false)
})

/** Files that may name the scope of all devices. GraphQL takes the scope of its viewer. */
const mayUseEverything =
  /^(?:scope|app|access\/viewer|device\/authentication-commands|method\/fate-commands|query\/scope|twin\/commands)\.ts$|^(?:mqtt|rest|scheduler|statement)\//

const importing = (name: string): string[] =>
  files.filter((file) =>
    new RegExp(`^import [^;]*?\\{[^}]*\\b${name}\\b[^}]*\\} from '[^']*\\/scope\\.ts'`, 'm').test(code.get(file) ?? ''),
  )

test('the scope of all devices is used only where no viewer has another', () => {
  expect(importing('everything').filter((file) => !mayUseEverything.test(file))).toEqual([])
  expect(importing('everything')).toContain('access/viewer.ts')
})

test('scopes are made only where their conditions are compiled', () => {
  expect(importing('makeScope')).toEqual(['query/scope.ts'])
})

test('protocol adapters read devices, twins and device jobs through stores only', () => {
  const byPrisma = files.filter(
    (file) => /^(?:graphql|rest)\//.test(file) && /\bprisma\.(?:device|twin)/.test(code.get(file) ?? ''),
  )
  expect(byPrisma).toEqual([])
})
