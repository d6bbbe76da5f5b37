import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** The scripts of package.json that generate types. The first does what the second does, too. */
const scripts = ['generate', 'documents'] as const
type Script = (typeof scripts)[number]

/** Generates types, one run at a time; what is asked for meanwhile follows. */
export function createGenerator({ root, say }: { readonly root: string; readonly say: (text: string) => void }) {
  const asked = new Set<Script>()
  const closing = new AbortController()
  let running: Promise<void> | undefined

  const generate = async (script: Script): Promise<void> => {
    say(`generating types (npm run ${script}) ...`)
    const child = spawn('npm', ['run', '--silent', script], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
    const end = (): void => void child.kill()
    closing.signal.addEventListener('abort', end)
    const [code] = await once(child, 'close')
    closing.signal.removeEventListener('abort', end)
    if (!closing.signal.aborted) say(code === 0 ? '... done' : '... failed: the next change runs it again')
  }
  const work = async (): Promise<void> => {
    for (;;) {
      const script = scripts.find((candidate) => asked.has(candidate))
      if (script === undefined || closing.signal.aborted) break
      if (script === 'generate') asked.clear()
      asked.delete(script)
      await generate(script)
    }
    running = undefined
  }
  return {
    run(script: Script): void {
      asked.add(script)
      running ??= work()
    },
    async close(): Promise<void> {
      closing.abort()
      await running
    },
  }
}
