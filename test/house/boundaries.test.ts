import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../../src')

/** Files that lie in src/ itself, but for those that put parts together. All of them are ground: anybody may import them. */
const ground = [
  'answer-budget',
  'arrivals',
  'batch',
  'clock',
  'config',
  'date-time',
  'data-folder',
  'certificate',
  'x509',
  'deps',
  'early-bytes',
  'errors',
  'events',
  'gathered-log',
  'instances',
  'json',
  'json-budget',
  'json-text',
  'lifecycle',
  'limits',
  'listen',
  'log',
  'origin',
  'refusals',
  'request-room',
  'sessions',
  'throttles',
  'tls',
  'utf8',
]
const top = ['app', 'main', 'policy-settling']

/** Which folders a folder may import besides itself and the ground; `pure` folders only in their pure files. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  ground: ['database', 'throttle (pure)'],
  database: [],
  throttle: [],
  query: [],
  access: ['database'],
  twin: ['database', 'query'],
  device: ['access', 'database', 'twin (pure)'],
  method: ['database', 'device'],
  job: ['database', 'method (pure)', 'query', 'twin (pure)'],
  statement: ['database', 'device', 'job', 'query', 'twin (pure)'],
  graphql: ['access', 'database', 'device', 'job', 'method', 'query', 'twin'],
  rest: ['access', 'database', 'device', 'job', 'method', 'query', 'statement', 'throttle (pure)', 'twin'],
  http: ['graphql'],
  mqtt: ['access', 'database', 'device', 'method', 'throttle (pure)', 'twin'],
  scheduler: ['database', 'device', 'job', 'method', 'query', 'twin'],
  simulator: ['access (pure)', 'mqtt/topics'],
  cli: ['app', 'access (pure)', 'graphql/schema', 'simulator'],
}

/** Domain folders: in each, every file is pure but the commands and the stores, such as job/store.ts and job/fact-store.ts. */
const domain = ['access', 'device', 'job', 'method', 'query', 'statement', 'throttle', 'twin']
const isStore = (file: string): boolean => /[/-]store\.ts$/.test(file)
const isEffectful = (file: string): boolean => isStore(file) || file.endsWith('/commands.ts')

/** Packages that a pure file may import: values in, values out. */
const purePackages: Readonly<Record<string, readonly string[]>> = {
  'access/sas.ts': ['node:crypto'],
  'job/request-id.ts': ['node:crypto'],
  'statement/continuation.ts': ['node:crypto'],
}

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

const folderOf = (file: string): string => {
  const [first = '', second] = file.split('/')
  if (second !== undefined) return first
  const name = first.replace(/\.ts$/, '')
  return ground.includes(name) ? 'ground' : name
}

const isPure = (file: string): boolean => domain.includes(folderOf(file)) && !isEffectful(file)

test('every folder has its row in the import table', () => {
  const folders = new Set(files.map(folderOf))
  expect([...folders].filter((folder) => !(folder in mayImport) && !top.includes(folder))).toEqual([])
})

test('folders import only what the table allows', () => {
  const broken = files.flatMap((file) => {
    const folder = folderOf(file)
    if (top.includes(folder)) return []
    // Types tie nothing together at run time, but a folder that needs another's types knows it all the same.
    return importsOf(file, folder !== 'ground').flatMap((target) => {
      if (!target.endsWith('.ts') || target.startsWith('generated')) return []
      const to = folderOf(target)
      const allowed = mayImport[folder] ?? []
      const fine =
        to === folder ||
        to === 'ground' ||
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
        !(
          target.endsWith('.ts') &&
          (isPure(target) ||
            ['errors.ts', 'json.ts', 'json-budget.ts', 'json-text.ts', 'limits.ts', 'utf8.ts'].includes(target))
        ) && !(purePackages[file] ?? []).includes(target),
    )
    const words = /\b(Date\.now|new Date\(\)|Math\.random|process\.|setTimeout|setInterval|fetch\()/.exec(code(file))
    return [...imports.map((target) => `${file} imports ${target}`), ...(words ? [`${file} says ${words[0]}`] : [])]
  })
  expect(broken).toEqual([])
})

test('no files import each other in a circle', () => {
  const graph = new Map(everything.map((file) => [file, importsOf(file, false).filter((target) => source.has(target))]))
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
      folderOf(file) !== 'database' &&
      // query/ compiles conditions to the halves of a template and runs nothing.
      folderOf(file) !== 'query' &&
      (/\bsqltag\b/.test(code(file)) || /\$(queryRaw|executeRaw)/.test(code(file))),
  )
  expect(broken).toEqual([])
})

test('transactions are begun in commands and in the scheduler only', () => {
  const broken = files.filter(
    (file) =>
      /\binTransaction\(|\.transaction\(/.test(code(file)) &&
      !file.endsWith('/commands.ts') &&
      !['scheduler', 'database'].includes(folderOf(file)),
  )
  expect(broken).toEqual([])
})

test('the environment is read where the program starts only', () => {
  const broken = files.filter(
    (file) => /process\.env\b/.test(code(file)) && file !== 'main.ts' && !file.startsWith('cli/'),
  )
  expect(broken).toEqual([])
})

test('the wall clock and timers are read in clock.ts only', () => {
  // The simulator stands for devices: it has no part in the hub's time. The commands people type are its users.
  const free = ['clock.ts']
  const broken = files.filter(
    (file) =>
      !free.includes(file) &&
      !['simulator', 'cli'].includes(folderOf(file)) &&
      /\b(Date\.now\(|new Date\(\)|setTimeout\(|setInterval\()/.test(code(file)),
  )
  expect(broken).toEqual([])
})

test('times that somebody has written are read by date-time.ts only', () => {
  // A program in the browser reads what the hub has printed, and what its own form holds.
  const free = ['clock.ts', 'date-time.ts']
  const isNumber = /^$|getTime\(\)|Date\.now\(\)|Math\.|Number\(|^\d+$|^now \+ /
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
  expect(plain).toEqual(['http/server.ts', 'mqtt/listeners.ts'])
})
