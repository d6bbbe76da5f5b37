import { useState } from 'react'
import { useSession } from '../../hub/use-session.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { saveFile } from '../../ui/save-file.ts'
import { readExport } from './export.ts'
import { exportPath, type ListFilter } from './filter.ts'

/** Saves all entries that the filter selects as a file with lines of JSON. */
export function ExportButton({ filter }: { readonly filter: ListFilter }) {
  const { request } = useSession()
  const denied = useDenial()()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<string>()
  const save = async (): Promise<void> => {
    setBusy(true)
    const read = await readExport(request, exportPath(filter))
    setBusy(false)
    if ('problem' in read) setProblem(read.problem)
    else saveFile(read.entries, `audit-${new Date().toISOString().slice(0, 10)}.ndjson`)
  }
  return (
    <>
      <Button denied={denied} onClick={() => void save()} busy={busy}>
        Export
      </Button>
      {problem !== undefined && (
        <Dialog title="The audit was not exported" onClose={() => setProblem(undefined)}>
          <p>{problem}</p>
        </Dialog>
      )}
    </>
  )
}
