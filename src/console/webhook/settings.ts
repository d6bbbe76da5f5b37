import type { WebhookEvent, WebhookNowFragment } from '../../generated/console/graphql.ts'
import { percentOf } from './words.ts'

/** The settings of a webhook as they are typed. */
export type Typed = {
  readonly url: string
  readonly events: readonly WebhookEvent[]
  /** In percent. */
  readonly share: string
  readonly minimum: string
  readonly description: string
}

/** The settings of a webhook as the hub takes them. Null deletes a value. */
export type Settings = {
  readonly url: string
  readonly events: WebhookEvent[]
  readonly failureShare: number | null
  readonly minimumDevices: number | null
  readonly description: string | null
}

/** The settings of a new webhook. */
export const newSettings: Typed = { url: '', events: ['JOB_ENDED'], share: '5', minimum: '20', description: '' }

/** The settings of a webhook, to be changed. */
export function typedFrom({ url, events, failureShare, minimumDevices, description }: WebhookNowFragment): Typed {
  return {
    url,
    events,
    share: failureShare === null ? newSettings.share : String(percentOf(failureShare)),
    minimum: minimumDevices === null ? newSettings.minimum : String(minimumDevices),
    description: description ?? '',
  }
}

/** What is wrong, by field. */
export type Problems = { readonly [field in keyof Typed]?: string }

/** Reads what was typed. The hub checks the rest of the address. */
export function readSettings({ url, events, share, minimum, description }: Typed): Settings | { problems: Problems } {
  const hasThreshold = events.includes('JOB_THRESHOLD')
  const percent = share.trim() === '' ? Number.NaN : Number(share)
  const devices = minimum.trim() === '' ? Number.NaN : Number(minimum)
  const problems: Problems = {
    ...(!(URL.canParse(url.trim()) && /^https?:$/.test(new URL(url.trim()).protocol)) && {
      url: 'Enter the address of the receiver, such as https://ops.example.com/twincast.',
    }),
    ...(events.length === 0 && { events: 'Choose at least one event.' }),
    ...(hasThreshold && !(percent >= 0 && percent < 100) && { share: 'Enter a number from 0 to less than 100.' }),
    ...(hasThreshold && !(Number.isInteger(devices) && devices >= 1) && { minimum: 'Enter a whole number from 1.' }),
  }
  if (Object.keys(problems).length > 0) return { problems }
  return {
    url: url.trim(),
    events: [...events],
    failureShare: hasThreshold ? Number((percent / 100).toPrecision(12)) : null,
    minimumDevices: hasThreshold ? devices : null,
    description: description.trim() === '' ? null : description.trim(),
  }
}
