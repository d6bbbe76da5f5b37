import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../../src')

/** Files that put the parts together. Only `cli/` and `library/` import them. */
const top = ['app.ts', 'clean-up-after-instance.ts', 'policy-sync.ts', 'recover-missed.ts']

/**
 * Rooms, each with the rooms it may import besides itself and the ground; of `pure` rooms the pure files only. A room is a
 * folder, and a folder within a room may be a room of its own. The other files of src/ itself are the ground.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  ground: ['database', 'throttle (pure)'],
  bus: ['database'],
  events: ['bus', 'database'],
  json: [],
  limits: ['throttle (pure)'],
  log: [],
  metrics: [],
  program: [],
  tls: [],
  'twin-thread': ['twin (pure)'],
  database: [],
  'database/embedded': [],
  throttle: [],
  query: [],
  access: ['database', 'query'],
  audit: ['database'],
  twin: ['database', 'query'],
  device: ['access', 'database', 'query', 'twin (pure)'],
  method: ['bus', 'database', 'device', 'query'],
  job: ['database', 'job/store', 'method (pure)', 'query', 'twin (pure)'],
  'job/store': ['database', 'job (pure)', 'method (pure)', 'query', 'twin (pure)'],
  'device-group': ['database', 'job (pure)', 'query'],
  'job-template': ['database', 'device-group', 'job', 'method (pure)', 'query', 'twin (pure)'],
  'job-schedule': ['database', 'job', 'job-template', 'query'],
  webhook: ['database', 'job (pure)'],
  backup: ['database', 'database/embedded'],
  doctor: ['access (pure)', 'bus', 'database', 'database/embedded'],
  statement: ['database', 'device', 'job', 'job/store', 'query', 'twin (pure)'],
  graphql: [
    'access',
    'audit',
    'database',
    'device',
    'device-group',
    'graphql/access',
    'graphql/definition',
    'graphql/device',
    'graphql/device-group',
    'graphql/job',
    'graphql/job-schedule',
    'graphql/job-template',
    'graphql/live',
    'graphql/transport',
    'graphql/webhook',
    'job',
    'job/store',
    'method',
    'query',
    'twin',
  ],
  'graphql/access': ['access', 'audit', 'database', 'graphql', 'graphql/live', 'graphql/transport', 'query'],
  'graphql/device': [
    'audit',
    'database',
    'device',
    'device-group',
    'graphql',
    'graphql/live',
    'graphql/transport',
    'method',
    'query',
    'twin',
  ],
  'graphql/definition': [
    'device-group',
    'graphql',
    'graphql/device-group',
    'graphql/job-schedule',
    'graphql/job-template',
    'graphql/live',
    'job-schedule',
    'job-template',
  ],
  'graphql/device-group': ['database', 'device', 'device-group', 'graphql', 'graphql/live', 'query'],
  'graphql/job': [
    'audit',
    'database',
    'device-group',
    'graphql',
    'graphql/device',
    'graphql/live',
    'graphql/transport',
    'job',
    'job/store',
    'query',
  ],
  'graphql/job-schedule': [
    'database',
    'graphql',
    'graphql/job',
    'graphql/job-template',
    'graphql/live',
    'job-schedule',
    'job-template',
    'query',
  ],
  'graphql/job-template': [
    'database',
    'graphql',
    'graphql/device',
    'graphql/job',
    'graphql/live',
    'graphql/transport',
    'job',
    'job-template',
    'job/store',
  ],
  'graphql/live': ['access', 'database', 'graphql', 'graphql/transport'],
  'graphql/webhook': ['database', 'graphql', 'graphql/live', 'graphql/transport', 'webhook'],
  'graphql/transport': ['access', 'audit', 'database', 'graphql', 'graphql/live', 'job (pure)', 'job/store'],
  rest: [
    'access',
    'audit',
    'database',
    'device',
    'job',
    'job/store',
    'method',
    'query',
    'statement',
    'throttle (pure)',
    'twin',
  ],
  http: ['graphql/transport', 'graphql'],
  mqtt: ['access', 'database', 'device', 'method', 'throttle (pure)', 'twin'],
  scheduler: [
    'audit',
    'database',
    'device',
    'job',
    'job-schedule',
    'job/store',
    'method',
    'query',
    'throttle (pure)',
    'twin',
    'webhook',
  ],
  simulator: ['access (pure)', 'mqtt/topics'],
  cli: ['app', 'access (pure)', 'backup', 'doctor', 'graphql/schema', 'query', 'simulator'],
  library: ['app', 'cli', 'simulator'],
}

/** Rooms that anybody may import, as the ground. */
const ground = ['ground', 'events', 'json', 'limits', 'log', 'metrics', 'program', 'tls']

/** Domain rooms: in each, every file is pure but the commands and the stores. */
const domain = [
  'access',
  'audit',
  'device',
  'device-group',
  'job',
  'job-schedule',
  'job-template',
  'job/store',
  'method',
  'query',
  'statement',
  'throttle',
  'twin',
  'webhook',
]
/** What lies in a room `store`, or is called so. */
const isStore = (file: string): boolean => /[/-]store\.ts$|\/store\//.test(file)
const isCommands = (file: string): boolean => /[/-]commands\.ts$/.test(file)
const isEffectful = (file: string): boolean => isStore(file) || isCommands(file)

/** Packages that a pure file may import: values in, values out. */
const purePackages: Readonly<Record<string, readonly string[]>> = {
  'access/sas.ts': ['node:crypto'],
  'job-schedule/cron.ts': ['croner'],
  'job/request-id.ts': ['node:crypto'],
  'statement/continuation.ts': ['node:crypto'],
  'webhook/public-address.ts': ['node:net'],
  'webhook/secret.ts': ['node:crypto'],
}

/** The ground that pure files may stand on. */
const pureGround =
  /^(?:actor|cursor|errors|etag|host-name|scope|time-zone|utf8|(?:json\/)?json(?:-budget|-text)?|(?:limits\/)?limits)\.ts$/

const everything = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file) && !file.startsWith('generated'))
  .sort()
/** The console is a program of its own: it runs in browsers and knows the hub by its schema only. */
const inConsole = (file: string): boolean => file.startsWith('console/')
const files = everything.filter((file) => !inConsole(file))

const source = new Map(everything.map((file) => [file, readFileSync(join(root, file), 'utf8')]))

/** The program text without comments and strings, good enough for looking words up. */
const code = (file: string): string =>
  (source.get(file) ?? '').replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:])\/\/.*$/gm, '$1')

/** What a file imports when it runs: its own files by path below src/, packages by name. */
function importsOf(file: string, types: boolean): string[] {
  const pattern =
    /^(?:import|export)\s+(type\s+)?(?:((?:[\w$]+\s*,?\s*)?(?:\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?)?)\s+from\s+)?'([^']+)'/gm
  return [...code(file).matchAll(pattern)]
    .filter(([, type, names]) => types || (type === undefined && !onlyTypes(names ?? '')))
    .map(([, , , specifier = '']) =>
      specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier,
    )
}

const onlyTypes = (names: string): boolean => {
  const inner = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1]
  return inner?.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type ')) ?? false
}

/** The innermost room that a file lies in, or the name of a file that puts parts together. */
const roomOf = (file: string): string => {
  if (top.includes(file)) return file
  let folder = dirname(file)
  while (folder.includes('/') && !(folder in mayImport)) folder = dirname(folder)
  return folder === '.' ? 'ground' : folder
}

const inDatabase = (file: string): boolean => file.startsWith('database/')

const isPure = (file: string): boolean => domain.includes(roomOf(file)) && !isEffectful(file)

test('every room has its row in the import table', () => {
  const rooms = new Set(files.map(roomOf))
  expect([...rooms].filter((room) => !(room in mayImport) && !top.includes(room))).toEqual([])
})

test('ARCHITECTURE.md shows the import table', () => {
  const document = readFileSync(resolve(root, '../ARCHITECTURE.md'), 'utf8')
  const rows = Object.entries(mayImport).map(([room, others]) => `| ${room} | ${others.join(', ') || 'nothing'} |`)
  expect(document).toContain(`| folder | may import |\n|---|---|\n${rows.join('\n')}\n\n`)
})

test('rooms import only what the table allows', () => {
  const broken = files.flatMap((file) => {
    const room = roomOf(file)
    if (top.includes(file)) return []
    // Types tie nothing together at run time, but a room that needs another's types knows it all the same.
    return importsOf(file, !ground.includes(room)).flatMap((target) => {
      if (!target.endsWith('.ts') || target.startsWith('generated')) return []
      const to = roomOf(target)
      const allowed = mayImport[room] ?? []
      const fine =
        to === room ||
        ground.includes(to) ||
        allowed.includes(to) ||
        allowed.includes(target.replace(/\.ts$/, '')) ||
        (allowed.includes(`${to} (pure)`) && isPure(target))
      return fine ? [] : [`${file} imports ${target}`]
    })
  })
  expect(broken).toEqual([])
})

test('the console imports nothing of the hub but documents of its schema, and nobody imports the console', () => {
  const broken = everything.flatMap((file) =>
    importsOf(file, true).flatMap((target) => {
      if (!/\.tsx?$/.test(target)) return []
      const fine = inConsole(file) ? inConsole(target) || target.startsWith('generated/console/') : !inConsole(target)
      return fine ? [] : [`${file} imports ${target}`]
    }),
  )
  expect(broken).toEqual([])
})

test('pure files import only pure files and touch neither clock, chance nor environment', () => {
  const broken = files.filter(isPure).flatMap((file) => {
    const imports = importsOf(file, false).filter(
      (target) =>
        !(target.endsWith('.ts') && (isPure(target) || pureGround.test(target))) &&
        !(purePackages[file] ?? []).includes(target),
    )
    const words = /\b(Date\.now|new Date\(\)|Math\.random|process\.|setTimeout|setInterval|fetch\()/.exec(code(file))
    return [...imports.map((target) => `${file} imports ${target}`), ...(words ? [`${file} says ${words[0]}`] : [])]
  })
  expect(broken).toEqual([])
})

test('one module asks for its own place, which is another one in the bundle', () => {
  const asking = files.filter((file) => /import\.meta\.(?:url|dirname|filename)/.test(code(file)))
  // The second is about packages, and finds them from any place. The others run from their sources only.
  const fine = [
    'program/folders.ts',
    'database/embedded/binaries.ts',
    ...['limits', 'metrics'].map((what) => `cli/write-${what}.ts`),
    'cli/print-schema.ts',
  ]
  expect(asking.toSorted()).toEqual(fine.toSorted())
})

test('no files import each other in a circle', () => {
  const graph = new Map(everything.map((file) => [file, importsOf(file, true).filter((target) => source.has(target))]))
  const done = new Set<string>()
  const walk = (file: string, path: readonly string[]): readonly string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const target of graph.get(file) ?? []) {
      const cycle = walk(target, [...path, file])
      if (cycle !== undefined) return cycle
    }
    done.add(file)
    return undefined
  }
  for (const file of everything) expect(walk(file, [])?.join(' → ')).toBeUndefined()
})

test('SQL stands in stores and in database/ only', () => {
  const broken = files.filter(
    (file) =>
      !isStore(file) &&
      !inDatabase(file) &&
      // query/ compiles conditions to the halves of a template and runs nothing.
      roomOf(file) !== 'query' &&
      (/\bsqltag\b/.test(code(file)) || /\$(queryRaw|executeRaw)/.test(code(file))),
  )
  expect(broken).toEqual([])
})

test('transactions are begun in commands and in the scheduler only', () => {
  const broken = files.filter(
    (file) =>
      /\binTransaction\(|\.(transaction|autocommit)\(/.test(code(file)) &&
      !isCommands(file) &&
      roomOf(file) !== 'scheduler' &&
      !inDatabase(file),
  )
  expect(broken).toEqual([])
})

test('the environment is read where the program starts only', () => {
  const broken = files.filter((file) => /process\.env\b/.test(code(file)) && !file.startsWith('cli/'))
  expect(broken).toEqual([])
})

test('the wall clock and timers are read in clock.ts only', () => {
  // The simulator stands for devices: it has no part in the hub's time. The commands people type are its users.
  const free = ['clock.ts']
  const broken = files.filter(
    (file) =>
      !free.includes(file) &&
      !['simulator', 'cli'].includes(roomOf(file)) &&
      /\b(Date\.now\(|new Date\(\)|setTimeout\(|setInterval\()/.test(code(file)),
  )
  expect(broken).toEqual([])
})

test('times that somebody has written are read by date-time.ts only', () => {
  // A program in the browser reads what the hub has printed, and what its own form holds.
  const free = ['clock.ts', 'date-time.ts']
  const isNumber = /^$|getTime\(\)|^Date\.UTC\(|Date\.now\(\)|Math\.|Number\(|^\d+$|^now \+ /
  const broken = files
    .filter((file) => !free.includes(file))
    .flatMap((file) => {
      const made = [...code(file).matchAll(/\bnew Date\(((?:[^()]|\((?:[^()]|\([^()]*\))*\))*)\)/g)]
      const texts = made.map(([, argument = '']) => argument.trim()).filter((argument) => !isNumber.test(argument))
      return [...(/\bDate\.parse\b/.test(code(file)) ? ['Date.parse'] : []), ...texts].map((text) => `${file}: ${text}`)
    })
  expect(broken).toEqual([])
})

test('servers of TLS are made by the settings that all share', () => {
  const broken = files.filter(
    (file) =>
      /\b(https\.createServer|createTlsServer|createSecureServer|tls\.createServer)\(/.test(code(file)) &&
      !code(file).includes('...tlsSettings'),
  )
  expect(broken).toEqual([])
  const plain = files.filter(
    (file) => /from 'node:(https|tls|http2)'/.test(code(file)) && /\bcreate\w*Server\(/.test(code(file)),
  )
  expect(plain).toEqual(['http/server.ts', 'mqtt/ports.ts'])
})
