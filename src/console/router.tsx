import { createBrowserRouter, redirect, useRouteError } from 'react-router'
import { SessionGate } from './hub/session.tsx'
import { Layout } from './shell/layout.tsx'
import { NotFound } from './shell/not-found.tsx'
import { ErrorState, LoadingState } from './ui/states.tsx'

/**
 * The pages' files. Each exports its component as `Component`, and reads nothing later: what a page could not read while
 * the hub is away would take the whole page with it.
 */
const pages = {
  jobs: () => import('./pages/jobs/page.tsx'),
  job: () => import('./pages/job/page.tsx'),
  schedule: () => import('./pages/schedule/page.tsx'),
  devices: () => import('./pages/devices/page.tsx'),
  device: () => import('./pages/device/page.tsx'),
}

/** Reads all of them: so one can go from page to page also while the hub is away, or is another version by then. */
export async function readPages(): Promise<void> {
  // What cannot be read now is read when somebody goes there.
  await Promise.allSettled(Object.values(pages).map((read) => read()))
}

/** All pages, read when somebody goes there at the latest. */
export const router = createBrowserRouter(
  [
    {
      Component: () => (
        <SessionGate>
          <Layout />
        </SessionGate>
      ),
      HydrateFallback: LoadingState,
      ErrorBoundary: Broken,
      children: [
        {
          ErrorBoundary: Broken,
          children: [
            { index: true, loader: () => redirect('/jobs'), element: null },
            { path: 'jobs', lazy: pages.jobs },
            { path: 'jobs/:jobId', lazy: pages.job },
            { path: 'schedule', lazy: pages.schedule },
            { path: 'devices', lazy: pages.devices },
            { path: 'devices/:deviceId', lazy: pages.device },
            { path: '*', Component: NotFound },
          ],
        },
      ],
    },
  ],
  { basename: '/console' },
)

/** A page that failed; also one whose file the hub does not give: it is away, or was updated meanwhile. */
function Broken() {
  const error = useRouteError()
  const message = error instanceof Error ? error.message : String(error)
  const isUnread = /preload|dynamically imported|module script/i.test(message)
  return (
    <ErrorState
      title="This page cannot be shown"
      message={
        isUnread
          ? 'The hub did not give its files: it does not answer, or was updated since you opened the console.'
          : `${message}. Load the page again.`
      }
      onRetry={() => location.reload()}
    />
  )
}
