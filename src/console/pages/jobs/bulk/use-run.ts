import { useEffect, useRef, useState } from 'react'
import { type Answer, runEach, type Step } from './run-each.ts'

/** What has been sent: undefined before the start. */
export type Run = { readonly steps: ReadonlyMap<string, Step>; readonly isOver: boolean }

/** Runs an action on several jobs. Leaving the component stops it. */
export function useRun(): {
  readonly run: Run | undefined
  readonly start: (jobIds: readonly string[], act: (jobId: string) => Promise<Answer>) => Promise<void>
  readonly stop: () => void
} {
  const [run, setRun] = useState<Run>()
  const stopped = useRef<AbortController>(undefined)
  const stop = (): void => stopped.current?.abort()
  useEffect(() => () => stopped.current?.abort(), [])
  return {
    run,
    stop,
    async start(jobIds, act) {
      const controller = new AbortController()
      stopped.current = controller
      let steps = new Map(jobIds.map((jobId): [string, Step] => [jobId, { kind: 'waiting' }]))
      setRun({ steps, isOver: false })
      await runEach(jobIds, {
        act,
        wait,
        signal: controller.signal,
        onStep(jobId, step) {
          steps = new Map(steps).set(jobId, step)
          setRun({ steps, isOver: false })
        },
      })
      setRun({ steps, isOver: true })
    },
  }
}

function wait(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, seconds * 1_000)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
