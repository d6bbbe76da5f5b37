import type { Context } from '../context.ts'
import { requireAllDevices } from '../forbidden.ts'

/** Refuses webhooks to a viewer with a scope: a webhook gets the events of all jobs, whatever their devices. */
export const requireWebhooks = (viewer: Context['viewer']): void =>
  requireAllDevices(viewer, 'Webhooks get the events of all jobs. They can be read and changed only without a scope.')
