import { formatCount } from '../format.ts'
import { useDenial } from '../hub/use-viewer.ts'
import { ButtonLink } from '../ui/button.tsx'
import { idsCondition, isShortEnough } from './ids-condition.ts'

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
  const tooLong = isShortEnough(condition)
    ? undefined
    : `The IDs of so many devices are too long for a condition. ${instead}`
  return (
    <ButtonLink to={`/schedule?condition=${encodeURIComponent(condition)}`} kind="primary" denied={denied ?? tooLong}>
      Schedule for {deviceIds.length === 1 ? '1 device' : `${formatCount(deviceIds.length)} devices`}
    </ButtonLink>
  )
}
