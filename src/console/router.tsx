import { createBrowserRouter, useRouteError } from 'react-router'
import { SessionGate } from './hub/session-gate.tsx'
import { Home } from './shell/home.tsx'
import { Layout } from './shell/layout.tsx'
import { NotFound } from './shell/not-found.tsx'
import { ErrorState, LoadingState } from './ui/states.tsx'

/**
 * The pages' files. Each exports its component as `Component` and imports nothing later: an import that fails while the
 * hub is unreachable would take down the whole page.
 */
const pages = {
  jobs: () => import('./pages/jobs/page.tsx'),
  job: () => import('./pages/job/page.tsx'),
  schedule: () => import('./pages/schedule/page.tsx'),
  schedules: () => import('./pages/job-schedules/page.tsx'),
  jobSchedule: () => import('./pages/job-schedule/page.tsx'),
  templates: () => import('./pages/job-templates/page.tsx'),
  template: () => import('./pages/job-template/page.tsx'),
  templateForm: () => import('./pages/job-template-form/page.tsx'),
  groups: () => import('./pages/device-groups/page.tsx'),
  devices: () => import('./pages/devices/page.tsx'),
  device: () => import('./pages/device/page.tsx'),
  audit: () => import('./pages/audit/page.tsx'),
  webhooks: () => import('./pages/webhooks/page.tsx'),
  webhook: () => import('./pages/webhook/page.tsx'),
}

/** Loads all of them, so that every page opens even when the hub is unreachable or was updated in the meantime. */
export async function readPages(): Promise<void> {
  // A file that cannot be loaded now is loaded when its page is opened.
  await Promise.allSettled(Object.values(pages).map((read) => read()))
}

/** All pages, loaded at the latest when they are opened. */
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
            { index: true, Component: Home },
            { path: 'jobs', lazy: pages.jobs },
            { path: 'jobs/:jobId', lazy: pages.job },
            { path: 'schedule', lazy: pages.schedule },
            { path: 'schedules', lazy: pages.schedules },
            { path: 'schedules/:scheduleId', lazy: pages.jobSchedule },
            { path: 'templates', lazy: pages.templates },
            { path: 'templates/:templateId', lazy: pages.template },
            { path: 'templates/:templateId/edit', lazy: pages.templateForm },
            { path: 'new-template', lazy: pages.templateForm },
            { path: 'groups', lazy: pages.groups },
            { path: 'devices', lazy: pages.devices },
            { path: 'devices/:deviceId', lazy: pages.device },
            { path: 'audit', lazy: pages.audit },
            { path: 'webhooks', lazy: pages.webhooks },
            { path: 'webhooks/:webhookId', lazy: pages.webhook },
            { path: '*', Component: NotFound },
          ],
        },
      ],
    },
  ],
  { basename: '/console' },
)

/** A page that failed, or whose file cannot be loaded: the hub is unreachable, or was updated in the meantime. */
function Broken() {
  const error = useRouteError()
  const message = error instanceof Error ? error.message : String(error)
  const isUnread = /preload|dynamically imported|module script/i.test(message)
  return (
    <ErrorState
      title="Cannot show this page"
      message={
        isUnread
          ? 'Its files could not be loaded. The hub may be unreachable, or it was updated after you opened the console.'
          : `${message}. Reload the page.`
      }
      onRetry={() => location.reload()}
    />
  )
}
