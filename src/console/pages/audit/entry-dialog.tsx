import type { ReactNode } from 'react'
import type { AuditRowFragment } from '../../../generated/console/graphql.ts'
import { formatMoment } from '../../format.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { JsonView } from '../../ui/json-view.tsx'
import styles from './entry-dialog.module.css'
import { wordOf } from './operations.ts'
import { showOutcome } from './outcome.ts'

/** All of an entry. */
export function EntryDialog({ entry, onClose }: { readonly entry: AuditRowFragment; readonly onClose: () => void }) {
  const { time, actor, issuer, subject, operation, target, address, outcome, code, detail } = entry
  return (
    <Dialog title={wordOf(operation)} onClose={onClose}>
      <dl className={styles.details}>
        <Detail name="Time">
          {formatMoment(time)} <code>({time})</code>
        </Detail>
        <Detail name="Actor">{actor}</Detail>
        <Detail name="Subject">{subject}</Detail>
        <Detail name="Issuer">{issuer}</Detail>
        <Detail name="Operation">
          <code>{operation}</code>
        </Detail>
        <Detail name="Target">{target}</Detail>
        <Detail name="Address">{address}</Detail>
        <Detail name="Outcome">{showOutcome(outcome).word}</Detail>
        <Detail name="Error code">{code}</Detail>
      </dl>
      {detail !== null && <JsonView value={detail} label="Details of the operation" />}
    </Dialog>
  )
}

/** Nothing when the entry does not have it. */
function Detail({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  if (children === null) return null
  return (
    <div className={styles.detail}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
