import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Runs a program of Node.js to its end, with `folder` as its working directory and for its temporary files. It is
 * interrupted, once, when it has printed `until`.
 */
export async function runProgram(folder: string, args: readonly string[], until?: string) {
  const child = spawn(process.execPath, args, { cwd: folder, env: { ...process.env, TMPDIR: folder } })
  let said = ''
  let complained = ''
  let interrupted = false
  child.stdout.on('data', (chunk) => {
    said += chunk
    if (interrupted || until === undefined || !said.includes(until)) return
    interrupted = child.kill('SIGINT')
  })
  child.stderr.on('data', (chunk) => {
    complained += chunk
  })
  const [code] = await once(child, 'close')
  return { code, said, complained }
}
