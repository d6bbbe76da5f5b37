import { useEffect, useId, useRef, useState } from 'react'
import { type AnyVariables, CombinedError } from 'urql'
import { formatCount } from '../format.ts'
import { useRetryWhenBack } from '../hub/use-retry-when-back.ts'
import { useSession } from '../hub/use-session.ts'
import { useDenial } from '../hub/use-viewer.ts'
import { Button } from '../ui/button.tsx'
import { describeError } from '../ui/describe-error.ts'
import { CancelButton, Dialog } from '../ui/dialog.tsx'
import { Notice } from '../ui/notice.tsx'
import { pageReader, type Source } from './read-page.ts'
import { keepsInMemory, mostInMemory, openTarget, TooLargeForMemory } from './target.ts'
import type { Format } from './text.ts'
import { type Progress, writeRows } from './write-rows.ts'

type State =
  | { readonly kind: 'idle' }
  | ({ readonly kind: 'running' | 'done' } & Progress)
  /** A page could not be read. `again` reads it again. */
  | ({ readonly kind: 'paused'; readonly error: CombinedError; readonly again: () => void } & Progress)
  | { readonly kind: 'failed'; readonly message: string }

/**
 * Selects the format of an export, and shows its progress. A page that cannot be read pauses the export: it continues on
 * request, or when a lost connection is back. Closing the dialog cancels the export.
 */
export function ExportDialog<Data, Variables extends AnyVariables, Row>({
  list,
  onClose,
}: {
  readonly list: Source<Data, Variables, Row>
  readonly onClose: () => void
}) {
  const { request } = useSession()
  const denied = useDenial()()
  const [state, setState] = useState<State>({ kind: 'idle' })
  const running = useRef<AbortController>(undefined)
  useEffect(() => () => running.current?.abort(), [])
  const isUnderWay = state.kind === 'running' || state.kind === 'paused'
  const goOn = (): void => {
    if (state.kind === 'paused') state.again()
  }
  useRetryWhenBack(state.kind === 'paused' ? state.error : undefined, goOn)

  const start = async (format: Format): Promise<void> => {
    const cancel = new AbortController()
    running.current = cancel
    let progress: Progress = { rows: 0, totalCount: undefined }
    try {
      const target = await openTarget(`${list.name}-${new Date().toISOString().slice(0, 10)}.${format}`)
      if (target === undefined) return
      setState({ kind: 'running', ...progress })
      await writeRows({
        format,
        fields: list.fields,
        readPage: pageReader(request, list),
        untilAgain(error) {
          if (!(error instanceof CombinedError)) throw error
          return new Promise((resolve, reject) => {
            const again = (): void => {
              setState({ kind: 'running', ...progress })
              resolve()
            }
            setState({ kind: 'paused', ...progress, error, again })
            cancel.signal.addEventListener('abort', () => reject(cancel.signal.reason))
          })
        },
        target,
        signal: cancel.signal,
        onProgress(now) {
          progress = now
          setState({ kind: 'running', ...now })
        },
      })
      setState({ kind: 'done', ...progress })
    } catch (error) {
      if (!cancel.signal.aborted) setState({ kind: 'failed', message: describeFailure(error) })
    }
  }

  return (
    <Dialog
      title="Export"
      onClose={onClose}
      actions={
        state.kind === 'done' ? (
          <Button kind="primary" onClick={onClose}>
            Close
          </Button>
        ) : (
          <>
            <CancelButton>{isUnderWay ? 'Cancel export' : 'Cancel'}</CancelButton>
            {state.kind === 'paused' && (
              <Button kind="primary" denied={denied} onClick={goOn}>
                Continue
              </Button>
            )}
            {!isUnderWay && (
              <>
                <Button onClick={() => void start('jsonl')}>Save as JSON lines</Button>
                <Button kind="primary" onClick={() => void start('csv')}>
                  Save as CSV
                </Button>
              </>
            )}
          </>
        )
      }
    >
      <p>The file contains all rows that match the filters, not only those that are shown.</p>
      {keepsInMemory() && (
        <p>
          This browser keeps the file in memory until it is complete, so the file can have at most{' '}
          {formatCount(mostInMemory)} characters.
        </p>
      )}
      {state.kind === 'failed' && <Notice kind="failure">{state.message} Nothing was saved.</Notice>}
      {isUnderWay && <ProgressOf {...state} />}
      {state.kind === 'paused' && (
        <Notice kind="failure">
          {describeError(state.error).message} The rows that were read are kept: the export continues after them.
        </Notice>
      )}
      <p role="status">{state.kind === 'done' && `${countRows(state.rows)} saved.`}</p>
    </Dialog>
  )
}

function ProgressOf({ rows, totalCount }: Progress) {
  const id = useId()
  return (
    <>
      <p id={id}>
        {formatCount(rows)}
        {totalCount === undefined ? '' : ` of ${formatCount(totalCount)}`} rows read
      </p>
      <progress aria-labelledby={id} value={totalCount === undefined ? undefined : rows} max={totalCount} />
    </>
  )
}

function countRows(rows: number): string {
  return rows === 1 ? '1 row' : `${formatCount(rows)} rows`
}

function describeFailure(error: unknown): string {
  if (error instanceof TooLargeForMemory) {
    return 'The file is too large for this browser. Filter the list, or use a browser that writes files step by step.'
  }
  return error instanceof Error ? error.message : 'The export failed.'
}
