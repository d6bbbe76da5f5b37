import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Programs of others that tests run as clients, and the Debian packages they are in. */
const packages = {
  bash: 'bash',
  curl: 'curl',
  fish: 'fish',
  haproxy: 'haproxy',
  mosquitto_pub: 'mosquitto-clients',
  mosquitto_sub: 'mosquitto-clients',
  'nats-server': 'nats-server',
  nginx: 'nginx',
  openssl: 'openssl',
  pgbouncer: 'pgbouncer',
  promtool: 'prometheus',
  'systemd-analyze': 'systemd',
  zsh: 'zsh',
} as const

export type Program = keyof typeof packages

/** The path of a program, undefined where it is not installed. */
export function findProgram(name: Program): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** Debian's Python, which is the one that sees Debian's paho-mqtt; undefined without either. */
export function findPahoPython(): string | undefined {
  const [python, library] = ['/usr/bin/python3', '/usr/lib/python3/dist-packages/paho/mqtt/client.py']
  return isExecutable(python) && isThere(library) ? python : undefined
}

/** nginx's module for TCP, which Debian has in a package of its own; undefined where it is not installed. */
export function findNginxStream(): string | undefined {
  const path = '/usr/lib/nginx/modules/ngx_stream_module.so'
  return isThere(path) ? path : undefined
}

/** One line on what is left out without its programs, undefined when nothing is. */
export function withoutPrograms(): string | undefined {
  const names = Object.keys(packages).filter((name): name is Program => name in packages)
  const missing = new Set(names.filter((name) => findProgram(name) === undefined).map((name) => packages[name]))
  const wanted = [
    ...missing,
    ...(findPahoPython() === undefined ? ['python3-paho-mqtt'] : []),
    ...(findNginxStream() === undefined ? ['libnginx-mod-stream'] : []),
  ]
  if (wanted.length === 0) return undefined
  return `Tests with other programs are left out. Debian: apt-get install ${wanted.join(' ')}`
}

const isExecutable = (path: string): boolean => mayAccess(path, constants.X_OK)
const isThere = (path: string): boolean => mayAccess(path, constants.R_OK)

function mayAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}
