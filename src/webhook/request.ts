import { InvalidInputError } from '../errors.ts'
import { type WebhookEvent, webhookEvents } from './event.ts'
import { addressIn, isPublicAddress } from './public-address.ts'
import { isSecret, secretRule } from './secret.ts'

/** What a client sets of a webhook. */
export type WebhookSettings = {
  readonly url: string
  readonly events: readonly WebhookEvent[]
  /** Of `job.threshold`: the share of failed and refused among the ended device jobs that must be exceeded. */
  readonly failureShare: number | null
  /** Of `job.threshold`: the number of device jobs that must have ended. */
  readonly minimumDevices: number | null
  readonly description: string | null
  readonly enabled: boolean
}

/** Settings as a client gives them. Those left out keep their values. */
export type WebhookInput = {
  readonly url?: string | null | undefined
  readonly events?: readonly WebhookEvent[] | null | undefined
  readonly failureShare?: number | null | undefined
  readonly minimumDevices?: number | null | undefined
  readonly description?: string | null | undefined
  readonly enabled?: boolean | null | undefined
}

/** Characters of a URL or a description. */
export const maxUrl = 2_048
export const maxDescription = 200
/** The number of device jobs that must have ended, unless a client says otherwise. */
export const usualMinimum = 1

const unset: WebhookSettings = {
  url: '',
  events: [],
  failureShare: null,
  minimumDevices: null,
  description: null,
  enabled: true,
}

/**
 * The settings after a change; those of a new webhook when there were none. `allowPrivate`: addresses that are not
 * public are allowed, and http. InvalidInputError.
 */
export function checkWebhook(
  input: WebhookInput,
  { before = unset, allowPrivate }: { readonly before?: WebhookSettings | undefined; readonly allowPrivate: boolean },
): WebhookSettings {
  const events = input.events == null ? before.events : checkEvents(input.events)
  const failureShare = input.failureShare === undefined ? before.failureShare : input.failureShare
  const minimumDevices = input.minimumDevices === undefined ? before.minimumDevices : input.minimumDevices
  const description = input.description === undefined ? before.description : input.description
  if (description !== null && (description.length > maxDescription || description.includes('\0'))) {
    throw new InvalidInputError(
      ['description'],
      `A description is text of at most ${maxDescription} characters, without U+0000.`,
    )
  }
  return {
    url: checkUrl(input.url ?? before.url, allowPrivate),
    events,
    ...checkThreshold(events, failureShare, minimumDevices),
    description,
    enabled: input.enabled ?? before.enabled,
  }
}

/** The secret, if it is one. InvalidInputError. */
export function checkSecret(secret: string): string {
  if (isSecret(secret)) return secret
  throw new InvalidInputError(['secret'], `A secret is ${secretRule}. When it is omitted, the hub generates one.`)
}

function checkEvents(events: readonly WebhookEvent[]): readonly WebhookEvent[] {
  if (events.length === 0) throw new InvalidInputError(['events'], 'A webhook needs at least one event.')
  return webhookEvents.filter((event) => events.includes(event))
}

function checkThreshold(
  events: readonly WebhookEvent[],
  failureShare: number | null,
  minimumDevices: number | null,
): Pick<WebhookSettings, 'failureShare' | 'minimumDevices'> {
  if (!events.includes('job.threshold')) {
    if (failureShare === null && minimumDevices === null) return { failureShare, minimumDevices }
    const path = failureShare === null ? 'minimumDevices' : 'failureShare'
    throw new InvalidInputError([path], `${path} is only for webhooks with the event JOB_THRESHOLD.`)
  }
  if (failureShare === null)
    throw new InvalidInputError(['failureShare'], 'The event JOB_THRESHOLD needs failureShare.')
  if (!(failureShare >= 0 && failureShare < 1)) {
    throw new InvalidInputError(['failureShare'], 'failureShare is from 0 to less than 1: 0.05 for 5 %.')
  }
  if (minimumDevices !== null && minimumDevices < 1) {
    throw new InvalidInputError(['minimumDevices'], 'minimumDevices is at least 1.')
  }
  return { failureShare, minimumDevices: minimumDevices ?? usualMinimum }
}

function checkUrl(text: string, allowPrivate: boolean): string {
  const refused = (message: string) => new InvalidInputError(['url'], message)
  if (text.length > maxUrl || !URL.canParse(text)) {
    throw refused(
      `The URL is not an absolute address of at most ${maxUrl} characters, such as https://example.com/hook.`,
    )
  }
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(allowPrivate && url.protocol === 'http:')) {
    throw refused('The URL must begin with https:. http: is allowed only with WEBHOOK_ALLOW_PRIVATE=true.')
  }
  if (url.username !== '' || url.password !== '') throw refused('The URL must not contain a user name or a password.')
  if (url.hash !== '') throw refused('The URL must not contain a fragment (#).')
  if (!allowPrivate && isPrivateHost(url.hostname)) {
    throw refused('The URL leads to a private or local address, which is allowed only with WEBHOOK_ALLOW_PRIVATE=true.')
  }
  return url.href
}

/** Whether a host is certainly not public. Other names are resolved for each connection. */
function isPrivateHost(hostname: string): boolean {
  const address = addressIn(hostname)
  if (address !== undefined) return !isPublicAddress(address)
  return /(?:^|\.)localhost\.?$/.test(hostname)
}
