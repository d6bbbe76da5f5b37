// The program of the thread that changes large twins (twin-thread.ts).
import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import { InvalidInputError } from '../errors.ts'
import { largeChanges } from '../twin/large-changes.ts'
import type { TwinAnswer, TwinQuestion } from './twin-thread.ts'

/**
 * The event loop and the database come first where processors are few. Only on Linux does this concern the thread that calls, and
 * not the whole process.
 */
if (process.platform === 'linux') setPriority(5)

/** An error loses its class between threads. Other errors than those of the input end the thread. */
function answerTo({ id, name, input }: TwinQuestion): TwinAnswer<unknown> {
  try {
    return { id, result: largeChanges[name](input) }
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error
    return { id, refusal: { path: error.path, message: error.message } }
  }
}

parentPort?.on('message', (question: TwinQuestion) => parentPort?.postMessage(answerTo(question)))
