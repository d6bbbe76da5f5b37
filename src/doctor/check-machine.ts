import { once } from 'node:events'
import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import type { Config } from '../config.ts'
import { readIfThere } from '../data-folder.ts'
import { openFileLimit } from '../limits/arrivals.ts'
import { ListenError, openPort } from '../open-port.ts'
import { leastFree } from '../readiness.ts'
import { version } from '../version.ts'
import { type Finding, ok, problem, reasonOf, warning } from './finding.ts'

/** Megabytes of free disk space below which it is worth a warning. */
const enoughFree = 1_024
/** Open files below which a hub can serve only some hundred devices. */
const enoughFiles = 4_096

export function checkVersions(): Finding {
  return ok('versions', `Twincast ${version}, Node.js ${process.versions.node}, ${process.platform} ${process.arch}.`)
}

/** Checks the data folder, and the disk that it is on. */
export async function checkFolder(folder: string): Promise<readonly Finding[]> {
  const owner = await stat(folder).catch(() => undefined)
  if (owner === undefined) {
    return [
      ok('data folder', `${folder} does not exist: the first start creates it.`),
      await checkDisk(dirname(folder)),
    ]
  }
  try {
    if (!owner.isDirectory()) throw new Error('it is a file.')
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    const advice = 'Give this user access to the folder, or set DATA_DIR to another one.'
    return [problem('data folder', `${folder} cannot be used: ${reasonOf(error)}`, advice)]
  }
  return [
    ok('data folder', `${folder} can be read and written.`),
    ...(await checkSecrets(folder)),
    await checkDisk(folder),
  ]
}

async function checkSecrets(folder: string): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const name of ['iothubowner-key', 'policies.json', 'ca-key.pem', 'database-password']) {
    const mode = (await stat(join(folder, name)).catch(() => undefined))?.mode ?? 0
    if ((mode & 0o077) === 0) continue
    findings.push(warning('secrets', `Other users can access ${name}.`, `chmod 600 ${join(folder, name)}`))
  }
  return findings
}

async function checkDisk(folder: string): Promise<Finding> {
  const stats = await statfs(folder).catch(() => undefined)
  if (stats === undefined)
    return warning('disk', `The free space of ${folder} is unknown.`, 'Check that the folder exists.')
  const free = Math.floor((stats.bavail * stats.bsize) / 2 ** 20)
  const text = `The file system of ${folder} has ${free.toLocaleString('en')} MB left.`
  if (free >= enoughFree) return ok('disk', text)
  const advice = `Free some space: below ${leastFree} MB the hub is not ready.`
  return free >= leastFree ? warning('disk', text, advice) : problem('disk', text, advice)
}

export function checkOpenFiles(): Finding {
  const limit = openFileLimit()
  const text = `A process may have ${limit.toLocaleString('en')} open files; each connection is one.`
  if (limit >= enoughFiles) return ok('open files', text)
  return warning('open files', text, 'Raise the limit (ulimit -n, LimitNOFILE in systemd).')
}

/** Tries each port for a moment. */
export async function checkPorts(config: Config): Promise<readonly Finding[]> {
  const ports = Object.entries({
    HTTP_PORT: config.http,
    HTTPS_PORT: config.https,
    ...(config.hubRoles.includes('gateway') && { MQTT_PORT: config.mqtt, MQTTS_PORT: config.mqtts }),
    METRICS_PORT: config.metrics,
  }).flatMap(([variable, address]) => (address === undefined ? [] : { variable, ...address }))
  const findings: Finding[] = []
  for (const address of ports) {
    const server = createServer()
    try {
      await openPort(server, address)
      server.close()
      await once(server, 'close')
    } catch (error) {
      if (!(error instanceof ListenError)) throw error
      findings.push(problem('ports', error.message, `Change ${address.variable}, or stop the other program.`))
    }
  }
  const numbers = ports.map(({ port }) => port).join(', ')
  return findings.length > 0 ? findings : [ok('ports', `The ports ${numbers} are free.`)]
}

/** Checks a file that the hub reads, by the function that parses it. */
export async function checkFile(check: string, path: string, parse: (text: string) => unknown): Promise<Finding> {
  const advice = `Correct ${path}: the hub does not start with it.`
  try {
    const text = await readIfThere(path)
    if (text === undefined) return problem(check, `${path} does not exist.`, advice)
    parse(text)
    return ok(check, `${path} is valid.`)
  } catch (error) {
    return problem(check, `${path}: ${reasonOf(error)}`, advice)
  }
}
