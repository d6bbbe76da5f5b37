import { Worker } from 'node:worker_threads'
import { InvalidInputError } from '../errors.ts'
import { codeFolder, moduleEnding } from '../program/folders.ts'
import type { LargeChanges } from '../twin/large-changes.ts'

type Input<Name extends keyof LargeChanges> = Parameters<LargeChanges[Name]>[0]
type Result<Name extends keyof LargeChanges> = ReturnType<LargeChanges[Name]>

/**
 * A thread for the changes of large twins. To parse, check, merge and print thousands of members takes ten milliseconds and
 * leaves megabytes of garbage: the thread has an event loop and a heap of its own, so other work does not wait for it.
 */
export type TwinThread = {
  /**
   * Does a change. Errors are those of the change. TwinThreadError when the thread ends before; the next change starts
   * another one.
   */
  run<Name extends keyof LargeChanges>(name: Name, input: Input<Name>): Promise<Result<Name>>
  /** Ends the thread. Changes that are under way fail. */
  close(): Promise<void>
}

/** The thread has ended before it answered. */
export class TwinThreadError extends Error {
  override readonly name = 'TwinThreadError'
  constructor(options?: ErrorOptions) {
    super('The thread that changes large twins has ended.', options)
  }
}

/** A change for the thread. Its input fits the function of this name, which the compiler cannot know after the way. */
export type TwinQuestion = { readonly id: number; readonly name: keyof LargeChanges; readonly input: never }

/** The result of the change with this id, or the InvalidInputError that it threw. */
export type TwinAnswer<Value = never> = { readonly id: number } & (
  | { readonly result: Value }
  | { readonly refusal: Pick<InvalidInputError, 'path' | 'message'> }
)

/** Megabytes. The largest twin takes a tenth of it. */
const heap = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 256 }

type Waiting = { resolve(value: never): void; reject(error: Error): void }

const program = new URL(`twin-thread/program${moduleEnding}`, codeFolder)
/** Whether the hub runs from its sources, in development and tests. Then a thread needs a compiler of its own. */
const isSource = moduleEnding === '.ts'
const compiling = (url: URL): string =>
  `import('tsx/esm/api').then(({ register }) => (register(), import(${JSON.stringify(url)})))`

/** The thread is started by the first change, and does not keep the process alive while it has nothing to do. */
export function createTwinThread(): TwinThread {
  let thread: { readonly worker: Worker; readonly waiting: Map<number, Waiting> } | undefined
  let lastId = 0
  let isClosed = false

  const start = (): NonNullable<typeof thread> => {
    // Not the options of the process, which may be a program that starts a hub: a thread refuses some, such as --input-type.
    const options = { name: 'twins', resourceLimits: heap, execArgv: [] }
    const worker = isSource ? new Worker(compiling(program), { ...options, eval: true }) : new Worker(program, options)
    const waiting = new Map<number, Waiting>()
    const started = { worker, waiting }
    const end = (cause?: unknown): void => {
      if (thread === started) thread = undefined
      for (const { reject } of waiting.values()) reject(new TwinThreadError({ cause }))
      waiting.clear()
    }
    worker.on('message', (answer: TwinAnswer) => {
      const asked = waiting.get(answer.id)
      waiting.delete(answer.id)
      if (waiting.size === 0) worker.unref()
      if ('refusal' in answer) asked?.reject(new InvalidInputError(answer.refusal.path, answer.refusal.message))
      else asked?.resolve(answer.result)
    })
    worker.on('error', end)
    worker.on('exit', () => end())
    return started
  }

  return {
    run: (name, input) =>
      new Promise((resolve, reject) => {
        if (isClosed) throw new TwinThreadError()
        thread ??= start()
        const { worker, waiting } = thread
        const id = ++lastId
        waiting.set(id, { resolve, reject })
        if (waiting.size === 1) worker.ref()
        worker.postMessage({ id, name, input })
      }),
    async close() {
      isClosed = true
      await thread?.worker.terminate()
    },
  }
}
