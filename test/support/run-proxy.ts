import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findProgram } from './programs.ts'

export type RunningProxy = { close(): Promise<void> }

/**
 * Runs nginx or HAProxy with a configuration, in a folder of its own. Resolves once it listens on all these ports of
 * 127.0.0.1. nginx gets the settings that let it run in the foreground in that folder, so its configuration lacks them.
 */
export async function runProxy(
  name: 'nginx' | 'haproxy',
  configuration: string,
  ports: readonly number[],
): Promise<RunningProxy> {
  const program = findProgram(name) ?? name
  const folder = await mkdtemp(join(tmpdir(), 'twincast-proxy-'))
  const file = join(folder, 'configuration')
  await writeFile(file, configuration)
  const globals = `daemon off; master_process off; pid ${folder}/pid; error_log stderr;`
  const args = name === 'nginx' ? ['-c', file, '-p', folder, '-g', globals] : ['-f', file]
  const proxy = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  proxy.stderr.on('data', (text) => {
    said += text
  })
  for (const port of ports) {
    while (!(await isOpen(port))) {
      if (proxy.exitCode !== null) throw new Error(`${name} has ended: ${said}`)
    }
  }
  return {
    async close() {
      proxy.kill()
      if (proxy.exitCode === null) await once(proxy, 'exit')
      await rm(folder, { recursive: true })
    },
  }
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isThere = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return isThere
}
