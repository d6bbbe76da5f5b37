import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { registerFleet } from '../support/fleet.ts'
import { killScripts, startScript } from '../support/script.ts'

const root = resolve(import.meta.dirname, '../..')
const example = join(root, 'examples/web-client')

// A copy of the folder and of that with the clients, as a front-end developer takes one, with the packages of this
// repository instead of its own.
let base = ''
let folder = ''
let schema = ''
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'twincast-web-client-'))
  for (const name of ['clients', 'web-client']) {
    await cp(join(root, 'examples', name), join(base, name), {
      recursive: true,
      filter: (path) => !/[/\\](?:node_modules|dist|generated|__generated__)$/.test(path.slice(root.length)),
    })
  }
  folder = join(base, 'web-client')
  await symlink(join(root, 'node_modules'), join(base, 'node_modules'), 'junction')
  schema = await readFile(join(root, 'schema.graphql'), 'utf8')
})
afterAll(() => rm(base, { recursive: true, force: true }))

afterEach(killScripts)

/** Runs a script of the example's package.json. */
const start = (script: string, args: readonly string[] = [], variables: Readonly<Record<string, string>> = {}) =>
  startScript(folder, script, args, { SCHEMA: join(folder, 'schema.graphql'), ...variables })

describe('its types', () => {
  /** Generates and checks against the schema with changes; answers what was said, and by which of the two. */
  const check = async (changed = schema) => {
    await rm(join(folder, 'src/generated'), { recursive: true, force: true })
    await writeFile(join(folder, 'schema.graphql'), changed)
    const generated = await start('generate').ended
    if (generated.code !== 0) return { refusedBy: 'generate', said: generated.said }
    const checked = await start('types').ended
    return { refusedBy: checked.code === 0 ? undefined : 'types', said: checked.said }
  }

  test('fit the present schema', async () => {
    expect(await check()).toMatchObject({ refusedBy: undefined, said: '' })
  })

  test('are versions of packages that this repository has', async () => {
    const own = JSON.parse(await readFile(join(example, 'package.json'), 'utf8'))
    const all = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    const have = { ...all.dependencies, ...all.devDependencies }
    expect(have).toMatchObject({ ...own.dependencies, ...own.devDependencies })
  })

  type Change = { readonly what: string; readonly by: (schema: string) => string; readonly complaint: RegExp }

  // One run says all that is wrong with the schema, so it has several changes.
  describe.each<{ readonly refusedBy: string; readonly changes: readonly Change[] }>([
    {
      refusedBy: 'generate',
      changes: [
        {
          what: 'a field that was renamed',
          by: (text) => text.replaceAll(/^ {2}failedCount: Int!$/gm, '  failureCount: Int!'),
          complaint: /Cannot query field "failedCount" on type "DeviceJobStatistics"[\s\S]*job-row\.ts/,
        },
        {
          what: 'a type that was renamed',
          by: (text) => text.replaceAll(/\bQueryConditionError\b/g, 'ConditionError'),
          complaint: /Unknown type "QueryConditionError"[\s\S]*schedule-job\.ts/,
        },
        {
          what: 'an argument that has become required',
          by: (text) => text.replace(/(deviceJobStatistics\([^)]*jobId: String!)/, '$1\n\n    page: Int!'),
          complaint: /argument "page" of type "Int!" is required[\s\S]*follow-job\.ts/,
        },
      ],
    },
    {
      refusedBy: 'generate',
      changes: [
        {
          what: 'a scalar without a type',
          by: (text) => `${text}\nscalar Duration\n`,
          complaint: /Unknown scalar type Duration/,
        },
      ],
    },
    {
      refusedBy: 'types',
      changes: [
        {
          what: 'a value that may be null now',
          by: (text) => text.replaceAll(/^ {2}jobId: String!$/gm, '  jobId: String'),
          complaint: /src\/schedule-job\.ts\(\d+,\d+\): error TS2322: .*null/,
        },
        {
          what: 'a result that nobody deals with',
          by: (text) => text.replace(/^(union ScheduleJobResult = .*)$/m, '$1 | NotFoundError'),
          complaint:
            /src\/schedule-job\.ts\(\d+,\d+\): error TS1360: Type '.*"NotFoundError".*' does not satisfy .*'never'/,
        },
      ],
    },
  ])('do not fit, says $refusedBy, a schema with', ({ refusedBy, changes }) => {
    let answer: Awaited<ReturnType<typeof check>>
    beforeAll(async () => {
      answer = await check(changes.reduce((text, { by }) => by(text), schema))
    })

    test.each(changes)('$what', ({ by, complaint }) => {
      expect(by(schema)).not.toBe(schema)
      expect(answer).toEqual({ refusedBy, said: expect.stringMatching(complaint) })
    })
  })
})

describe('its program', () => {
  // `start` generates each time. Once is enough to see that it does, so there is a script `program`, which only runs it.
  let app: TestApp
  let fleet: Fleet
  beforeAll(async () => {
    await writeFile(join(folder, 'schema.graphql'), schema)
    const { scripts, ...others } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    const added = { ...others, scripts: { ...scripts, program: 'tsx src/node.ts' } }
    await writeFile(join(folder, 'package.json'), JSON.stringify(added))
    expect(await start('generate').ended).toMatchObject({ code: 0 })
    app = await startApp()
    const devices = await registerFleet(app.client, 'tour', 3, (index) =>
      index === 2 ? { kind: 'offline' } : { kind: 'answer' },
    )
    fleet = createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices })
    await fleet.connect()
  })
  afterAll(async () => {
    await fleet?.close()
    await app?.close()
  })
  const hub = () => ({ HUB_URL: app.addresses.graphql })

  test('follows a job over a restart of the hub to its end, and then lists it', async () => {
    const { lines, ended } = start('start', ["tags.fleet = 'tour'"], hub())
    await expect.poll(() => lines).toContain('  2 of 3 ended, 0 failed')
    await app.restart()
    await expect.poll(() => lines).toContain('Connected again.')
    await fleet.connect({ deviceIds: ['tour-2'] })
    const { code, said } = await ended
    expect(code).toBe(0)
    const [jobId = ''] = /(?<=^Scheduled )[^:]+/m.exec(said) ?? []
    const steps = said.trim().split('\n')
    // How often the hub tells of progress is not ours to say.
    expect(steps.filter((line) => !/^ {2}[0-2] of [03] ended, 0 failed$/.test(line))).toEqual([
      'Jobs so far: 0',
      `Scheduled ${jobId}: "reboot" where tags.fleet = 'tour'`,
      'The connection is lost; trying again.',
      'Connected again.',
      '  3 of 3 ended, 0 failed',
      `${jobId} has ended: succeeded.`,
    ])

    const next = await start('program', ['tags.fleet = '], hub()).ended
    expect(next.code).toBe(1)
    expect(next.said.trim().split('\n')).toEqual([
      'Jobs so far: 1',
      `  ${jobId}: succeeded, 3 of 3 ended, 0 failed`,
      expect.stringMatching(/^Correct the condition at line 1, column 14: /),
    ])
  })

  const nowhere = { HUB_URL: 'http://127.0.0.1:9/graphql' }

  test('asks nothing of the hub before it is told which devices', async () => {
    for (const args of [[], ['']]) {
      const { code, said } = await start('program', args, nowhere).ended
      expect({ code, said }).toEqual({ code: 2, said: expect.stringMatching(/^Usage: npm start -- <condition>/) })
    }
  })

  test('says so when no hub is there', async () => {
    const { code, said } = await start('program', ['*'], nowhere).ended
    expect({ code, said }).toEqual({ code: 1, said: 'http://127.0.0.1:9/graphql: [Network] fetch failed\n' })
  })
})
