import { useParams } from 'react-router'
import { Page } from '../../shell/page.tsx'
import { ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/errors.ts'
import { EmptyState, ErrorState, LoadingState } from '../../ui/states.tsx'
import { DeviceView } from './device-view.tsx'
import { useDevice } from './use-device.ts'

/** One device: whether it is here, its twin, what can be done with it, what jobs did to it. */
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
          <LoadingState label="Reading the device" />
        </Page>
      )
    case 'failed':
      return (
        <Page title={deviceId}>
          <ErrorState
            title="The device cannot be shown"
            message={describeError(state.error).message}
            onRetry={state.retry}
          />
        </Page>
      )
    case 'deleted':
      return (
        <Page title={deviceId}>
          <div role="alert">
            <EmptyState
              title={`The device “${deviceId}” was deleted`}
              action={
                <ButtonLink to="/devices" kind="primary">
                  Go to the devices
                </ButtonLink>
              }
            >
              <p>Somebody deleted it while this page was open. What jobs did to it is still in the jobs.</p>
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
                  Go to the devices
                </ButtonLink>
                <ButtonLink to={`/devices?id=${encodeURIComponent(deviceId.slice(0, 4))}`}>
                  Search for such names
                </ButtonLink>
              </>
            }
          >
            <p>Its id may be misspelt: upper and lower case matter. Or it was deleted, or never registered here.</p>
          </EmptyState>
        </Page>
      )
  }
}
