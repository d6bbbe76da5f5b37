import { createBrowserRouter, redirect, useRouteError } from 'react-router'
import { SessionGate } from './hub/session.tsx'
import { Layout } from './shell/layout.tsx'
import { NotFound } from './shell/not-found.tsx'
import { ErrorState, LoadingState } from './ui/states.tsx'

/** All pages. Each is a file of its own that is read when somebody goes there; it exports its component as `Component`. */
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
            { path: 'jobs', lazy: () => import('./pages/jobs/page.tsx') },
            { path: 'jobs/:jobId', lazy: () => import('./pages/job/page.tsx') },
            { path: 'schedule', lazy: () => import('./pages/schedule/page.tsx') },
            { path: 'devices', lazy: () => import('./pages/devices/page.tsx') },
            { path: 'devices/:deviceId', lazy: () => import('./pages/devices/device-page.tsx') },
            { path: '*', Component: NotFound },
          ],
        },
      ],
    },
  ],
  { basename: '/console' },
)

/** A page that failed; also one whose file is gone because the hub was updated meanwhile. */
function Broken() {
  const error = useRouteError()
  return (
    <ErrorState
      title="This page cannot be shown"
      message={`${error instanceof Error ? error.message : String(error)}. The hub may have been updated since you opened the console: load the page again.`}
      onRetry={() => location.reload()}
    />
  )
}
