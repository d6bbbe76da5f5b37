import { useMutation } from 'urql'
import type { DeviceGroupRowFragment } from '../../../generated/console/graphql.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { ConfirmDialog } from '../../shell/confirm-dialog.tsx'
import { DeviceGroupDeleteDocument } from './documents.ts'

/** Asks whether to delete a group. */
export function DeleteDialog({
  group: { name, etag },
  onClose,
  onDeleted,
}: {
  readonly group: DeviceGroupRowFragment
  readonly onClose: () => void
  readonly onDeleted: () => void
}) {
  const announce = useAnnounce()
  const [, remove] = useMutation(DeviceGroupDeleteDocument)
  return (
    <ConfirmDialog
      title={`Delete group ${name}?`}
      action="Delete group"
      kind="danger"
      right="WRITE_JOBS"
      onClose={onClose}
      run={async () => {
        const { data, error } = await remove({ input: { name, ifMatch: etag } })
        return { result: data?.deleteDeviceGroup, error }
      }}
      // One that is already gone is as good as deleted.
      isDone={({ __typename }) => __typename === 'DeleteDeviceGroupPayload' || __typename === 'NotFoundError'}
      onDone={() => {
        announce('Group deleted.')
        onDeleted()
        onClose()
      }}
    >
      <p>Its devices stay, and so do jobs that were scheduled with it. Conditions that name it are refused.</p>
    </ConfirmDialog>
  )
}
