import { useState } from 'react'
import type { AnyVariables } from 'urql'
import { useDenial } from '../hub/use-viewer.ts'
import { Button } from '../ui/button.tsx'
import { ExportDialog } from './dialog.tsx'
import type { Source } from './read-page.ts'

/** Exports all rows of a list that pass its filter, not only those that have been read. */
export function ExportButton<Data, Variables extends AnyVariables, Row>({
  list,
  denied,
}: {
  readonly list: Source<Data, Variables, Row>
  /** Why there is nothing to export, as a sentence. */
  readonly denied?: string | undefined
}) {
  const denial = useDenial()
  // The list as it was when the dialog opened.
  const [opened, setOpened] = useState<Source<Data, Variables, Row>>()
  return (
    <>
      <Button denied={denied ?? denial()} onClick={() => setOpened(list)}>
        Export…
      </Button>
      {opened && <ExportDialog list={opened} onClose={() => setOpened(undefined)} />}
    </>
  )
}
