import type { CombinedError } from 'urql'
import { createQueryClient, isUnauthorized } from './client.ts'
import { type Credential, type CurrentCredential, credentialOf, readCredential } from './credential.ts'
import { ViewerDocument } from './documents.ts'
import { finishSignIn, obstacle, SignInError } from './open-id.ts'
import { takePending } from './pending-sign-in.ts'
import { type Renewal, startRenewal } from './renewal.ts'
import { type SignInSettings, signInSettings } from './sign-in-settings.ts'
import { hasExpired } from './token-text.ts'
import type { Viewer } from './viewer.ts'

/** What lasts as long as the page is open: how to sign in, and the credential that requests use. */
export type Access = {
  readonly settings: SignInSettings | undefined
  readonly credential: CurrentCredential
  readonly renewal: Renewal
}

/** Whether the hub accepts the credential. */
export type Answer =
  | { readonly is: 'in'; readonly viewer: Viewer }
  /** `problem`: the reason, if a credential was sent. */
  | { readonly is: 'out'; readonly problem: string | undefined }
  | { readonly is: 'unreachable'; readonly message: string }
  /** The token has to be renewed first, and the provider does not answer. It is asked again and again. */
  | { readonly is: 'waiting' }

/** Opens what this tab has. */
export function openAccess(): Access {
  const settings = signInSettings()
  const credential = readCredential()
  return { settings, credential, renewal: startRenewal(credential, settings) }
}

/** The address below that of the console. */
export const addressOf = (path: string): string => `${location.origin}/console${path}`

/** The page that the provider leads back to. */
export const returnPath = '/signed-in'

/** Asks the hub whether it accepts the credential, which is forgotten if not, unless it may still be renewed. */
export async function askHub({ credential, renewal }: Access): Promise<Answer> {
  const client = createQueryClient(credential, renewal, () => {})
  const { data, error } = await client.query(ViewerDocument, {}, { requestPolicy: 'network-only' }).toPromise()
  if (data?.viewer !== undefined) return { is: 'in', viewer: data.viewer }
  if (!isUnauthorized(error)) return { is: 'unreachable', message: messageOf(error) }
  if (isWaiting(renewal)) return { is: 'waiting' }
  const refused = credential.get()
  credential.replace(undefined)
  return { is: 'out', problem: problemWith(refused, error) }
}

/** Whether the provider has to answer before the token can be renewed. */
export function isWaiting({ state }: Renewal): boolean {
  return state.get() === 'waiting' || state.get() === 'late'
}

/** Finishes a sign-in after the provider has led back. `to` is the page that the person asked for. */
export async function finishAtReturn(access: Access): Promise<{ readonly answer: Answer; readonly to: string }> {
  const { settings, credential } = access
  const pending = takePending()
  const to = pending?.to ?? '/'
  if (settings === undefined || pending === undefined) {
    // An address of another tab, or opened once more: it signs nobody in, and nobody out.
    const answer = await askHub(access)
    const isOut = answer.is === 'out' && answer.problem === undefined
    return {
      to,
      answer: isOut ? { is: 'out', problem: 'This sign-in did not begin in this tab. Sign in again.' } : answer,
    }
  }
  try {
    const hindrance = obstacle(settings)
    if (hindrance !== undefined) throw new SignInError(hindrance)
    const tokens = await finishSignIn(settings, addressOf(returnPath), pending, new URL(location.href))
    credential.replace(credentialOf(tokens, crypto.randomUUID(), Date.now()))
  } catch (error) {
    if (!(error instanceof SignInError)) throw error
    return { to, answer: { is: 'out', problem: error.message } }
  }
  return { to, answer: await askHub(access) }
}

/** Why the hub does not accept this credential. */
function problemWith(refused: Credential | undefined, error: CombinedError | undefined): string | undefined {
  if (refused === undefined) return undefined
  if (refused.renewal === undefined) {
    return hasExpired(refused.authorization, Date.now())
      ? 'This token has expired. Create a new one.'
      : 'The hub did not accept this token. It may belong to another hub, or its key may have changed.'
  }
  const reason = messageOf(error)
  // By the clock of this machine.
  const isNew = refused.renewal.expiresAt > Date.now()
  const advice = isNew && /expired/.test(reason) ? ' It is new: the clock of the hub may be wrong.' : ''
  return isNew ? `The hub did not accept your sign-in. ${reason}${advice}` : 'Your sign-in has ended. Sign in again.'
}

function messageOf(error: CombinedError | undefined): string {
  const [first] = error?.graphQLErrors ?? []
  if (first !== undefined) return first.message
  return error?.networkError === undefined
    ? (error?.message ?? '')
    : 'No answer from this address. Check that the hub is running and reachable, then try again.'
}
