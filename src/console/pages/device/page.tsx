import { useParams } from 'react-router'
import { Page } from '../../shell/page.tsx'
import { ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx'
import { DeviceView } from './device-view.tsx'
import { useDevice } from './use-device.ts'

/** One device: its connection, its twin, its actions, its jobs. */
export function Component() {
  const { deviceId = '' } = useParams()
  return <DeviceOf key={deviceId} deviceId={deviceId} />
}

function DeviceOf({ deviceId }: { readonly deviceId: string }) {
  const state = useDevice(deviceId)
  switch (state.is) {
    case 'known':
      return <DeviceView key={state.device.generationId} {...state} />
    case 'loading':
      return (
        <Page title={deviceId}>
          <LoadingState label="Loading device" />
        </Page>
      )
    case 'failed':
      return (
        <Page title={deviceId}>
          <ErrorState title="Cannot load device" message={describeError(state.error).message} onRetry={state.retry} />
        </Page>
      )
    case 'deleted':
      return (
        <Page title={deviceId}>
          <div role="alert">
            <EmptyState
              title={`Device “${deviceId}” was deleted`}
              action={
                <ButtonLink to="/devices" kind="primary">
                  Back to devices
                </ButtonLink>
              }
            >
              <p>It was deleted while this page was open. Results of past jobs are kept with the jobs.</p>
            </EmptyState>
          </div>
        </Page>
      )
    case 'unknown':
      return (
        <Page title="Device not found">
          <EmptyState
            title={`There is no device “${deviceId}”`}
            action={
              <>
                <ButtonLink to="/devices" kind="primary">
                  Back to devices
                </ButtonLink>
                <ButtonLink to={`/devices?id=${encodeURIComponent(deviceId.slice(0, 4))}`}>
                  Search similar names
                </ButtonLink>
              </>
            }
          >
            <p>
              Check the ID; it is case-sensitive. The device may also have been deleted, or was never registered on this
              hub.
            </p>
          </EmptyState>
        </Page>
      )
  }
}
