import { formatDevices } from '../format.ts'
import { useDenial } from '../hub/use-viewer.ts'
import { ButtonLink } from '../ui/button.tsx'
import { idsCondition, whyTooLong } from './ids-condition.ts'

/** Schedules a job for the selected devices. `instead` says what can be done for more than a condition can name. */
export function ScheduleForSelected({
  deviceIds,
  instead,
}: {
  readonly deviceIds: readonly string[]
  readonly instead: string
}) {
  const denied = useDenial()('WRITE_JOBS')
  const condition = idsCondition(deviceIds)
  return (
    <ButtonLink
      to={`/schedule?condition=${encodeURIComponent(condition)}`}
      kind="primary"
      denied={denied ?? whyTooLong(condition, instead)}
    >
      Schedule for {formatDevices(deviceIds.length)}
    </ButtonLink>
  )
}
