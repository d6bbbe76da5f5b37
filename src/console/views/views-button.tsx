import { useState } from 'react'
import { Button } from '../ui/button.tsx'
import type { ListPage } from './saved-views.ts'
import { ViewsDialog } from './views-dialog.tsx'

/** Opens the saved views of a list. `search`: its present filters. */
export function ViewsButton({ page, search }: { readonly page: ListPage; readonly search: string }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button onClick={() => setOpen(true)}>Views…</Button>
      {isOpen && <ViewsDialog page={page} search={search} onClose={() => setOpen(false)} />}
    </>
  )
}
