import { pause } from './abortable.ts'

/** What the hub answers. After `retryAfterSeconds`, it may be asked again. */
type Named = { readonly __typename: string; readonly retryAfterSeconds?: number }

type Postponed = { readonly __typename: 'LimitExceededError'; readonly retryAfterSeconds: number }

/** The answer to a mutation that creates devices: a result for each of them, or an error for the whole list. */
type Answer<Result extends Named> =
  | { readonly __typename: 'CreateDevicesPayload'; readonly results: readonly Result[] }
  | { readonly __typename: 'InvalidInputError'; readonly message: string }
  | Postponed
  | null
  | undefined

/** Why a device was not created, when the whole list was refused. */
type Refusal = { readonly __typename: 'InvalidInputError'; readonly message: string }

const unanswered: Refusal = { __typename: 'InvalidInputError', message: 'The hub has sent no result.' }

/**
 * Creates devices by one mutation, which `send` makes for those that are left. Yields each device with its result, once.
 * Those that the hub postpones are sent again when it allows. Rejects with the reason of the signal.
 */
export async function* createEach<Device, Result extends Named>(
  devices: readonly Device[],
  send: (left: readonly Device[]) => Promise<Answer<Result>>,
  signal: AbortSignal,
): AsyncGenerator<readonly [Device, Exclude<Result, Postponed> | Refusal]> {
  for (let left = devices; left.length > 0; ) {
    const batch = left
    const answer = await whenAllowed(() => send(batch), signal)
    if (answer?.__typename !== 'CreateDevicesPayload') {
      for (const device of batch) yield [device, answer ?? unanswered]
      return
    }
    const later: Device[] = []
    let wait = 0
    for (const [index, device] of batch.entries()) {
      const result = answer.results[index]
      if (result === undefined) yield [device, unanswered]
      else if (isFinal(result)) yield [device, result]
      else {
        later.push(device)
        wait = Math.max(wait, secondsIn(result))
      }
    }
    left = later
    if (left.length > 0) await pause(wait * 1_000, signal)
  }
}

/** Sends a mutation until the hub does not postpone it any more. Rejects with the reason of the signal. */
export async function whenAllowed<Result extends Named | null | undefined>(
  send: () => Promise<Result>,
  signal: AbortSignal,
): Promise<Exclude<Result, Postponed>> {
  for (;;) {
    const result = await send()
    if (isFinal(result)) return result
    await pause(secondsIn(result) * 1_000, signal)
  }
}

const isFinal = <Result extends Named | null | undefined>(result: Result): result is Exclude<Result, Postponed> =>
  result?.__typename !== 'LimitExceededError'

const secondsIn = (result: Named | null | undefined): number => result?.retryAfterSeconds ?? 0
