import { useState } from 'react'
import type { JobsRowFragment as Row } from '../../../generated/console/graphql.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { Button } from '../../ui/button.tsx'
import type { Selection } from '../../ui/selection.ts'
import { SelectionBar } from '../../ui/selection-bar.tsx'
import { CancelJobsDialog } from './bulk/cancel-dialog.tsx'
import { RetryJobsDialog } from './bulk/retry-dialog.tsx'

/** What can be done with the selected jobs. */
export function SelectedJobs({ selection }: { readonly selection: Selection<Row> }) {
  const [dialog, setDialog] = useState<'cancel' | 'retry'>()
  const denied = useDenial()('WRITE_JOBS')
  const close = (): void => setDialog(undefined)
  return (
    <>
      <SelectionBar selection={selection}>
        <Button denied={denied} onClick={() => setDialog('retry')}>
          Retry…
        </Button>
        <Button kind="danger" denied={denied} onClick={() => setDialog('cancel')}>
          Cancel jobs…
        </Button>
      </SelectionBar>
      {dialog === 'cancel' && <CancelJobsDialog jobs={selection.rows} onClose={close} />}
      {dialog === 'retry' && <RetryJobsDialog jobs={selection.rows} onClose={close} />}
    </>
  )
}
