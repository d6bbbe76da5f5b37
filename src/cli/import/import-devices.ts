import { graphql } from '../../generated/commands/gql.ts'
import type { CreateDeviceInput } from '../../generated/commands/graphql.ts'
import { createEach, whenAllowed } from '../create-devices.ts'
import type { HubClient } from '../hub-client.ts'
import type { DeviceLine, Line } from './lines.ts'

const ImportDevices = graphql(`
  mutation ImportDevices($input: CreateDevicesInput!) {
    createDevices(input: $input) {
      __typename
      ... on CreateDevicesPayload {
        results {
          __typename
          ... on Error { message }
          ... on LimitExceededError { retryAfterSeconds }
        }
      }
      ... on Error { message }
      ... on LimitExceededError { retryAfterSeconds }
    }
  }
`)

const ImportTwin = graphql(`
  mutation ImportTwin($input: UpdateTwinInput!) {
    updateTwin(input: $input) {
      __typename
      ... on Error { message }
      ... on LimitExceededError { retryAfterSeconds }
    }
  }
`)

/** How many lines had which result. */
export type Tally = {
  readonly created: number
  readonly updated: number
  readonly skipped: number
  readonly failed: number
}

/** How far an import is. */
export type ImportProgress = {
  readonly tally: Tally
  /** All lines before this one are done. */
  readonly nextLine: number
}

type Options = {
  /** The first line to import. */
  readonly fromLine: number
  /** What to do with a device that exists. */
  readonly ifExists: 'skip' | 'update' | 'fail'
  readonly onFailure: (line: number, message: string) => void
  readonly onProgress: (progress: ImportProgress) => void
  readonly signal: AbortSignal
}

/** Devices per mutation. */
const devicesAtOnce = 500
/** Characters of JSON per mutation: a quarter of a request that the hub accepts by default. */
const charactersAtOnce = 250_000
/** Mutations under way at the same time. */
const atOnce = 3

type Pending = { readonly line: number; readonly device: DeviceLine }

/**
 * Creates the devices of the lines, in batches. Memory is bounded: lines are taken as the hub takes batches. Each line that
 * cannot be imported is reported. A hub that asks for patience gets it. Without a client, the lines are checked only.
 * Rejects with HubUnreachableError or HubRefusedError, and with the reason of the signal.
 */
export async function importDevices(
  client: HubClient | undefined,
  lines: AsyncIterable<Line>,
  { fromLine, ifExists, onFailure, onProgress, signal }: Options,
): Promise<Tally> {
  const tally = { created: 0, updated: 0, skipped: 0, failed: 0 }
  const fail = (line: number, message: string): void => {
    tally.failed++
    onFailure(line, message)
  }

  const send = async (batch: readonly Pending[]): Promise<void> => {
    if (client === undefined) tally.created += batch.length
    else await create(client, batch)
  }

  const create = async (client: HubClient, batch: readonly Pending[]): Promise<void> => {
    const create = (left: readonly Pending[]) =>
      client
        .execute(ImportDevices, { input: { devices: left.map(({ device }) => inputOf(device)) } })
        .then(({ createDevices }) => createDevices)
    for await (const [pending, result] of createEach(batch, create, signal)) {
      if (result.__typename === 'CreateDevicePayload') tally.created++
      else if (result.__typename !== 'AlreadyExistsError' || ifExists === 'fail') fail(pending.line, result.message)
      else if (ifExists === 'skip') tally.skipped++
      else await update(client, pending)
    }
  }

  const update = async (client: HubClient, { line, device }: Pending): Promise<void> => {
    const patch = () =>
      client
        .execute(ImportTwin, { input: { deviceId: device.deviceId, patch: patchOf(device) } })
        .then(({ updateTwin }) => updateTwin)
    const answer = await whenAllowed(patch, signal)
    if (answer?.__typename === 'UpdateTwinPayload') tally.updated++
    else fail(line, answer?.message ?? 'The hub has sent no result.')
  }

  /** Batches under way, by their first lines. One that failed stays, because its lines are not done. */
  const running = new Map<Promise<void>, number>()
  let failure: { readonly error: unknown } | undefined
  /** The line after those of all batches so far. */
  let nextLine = fromLine
  const start = async (batch: readonly Pending[]): Promise<void> => {
    nextLine = (batch.at(-1)?.line ?? nextLine) + 1
    const sent: Promise<void> = send(batch).then(
      () => {
        running.delete(sent)
        onProgress({ tally: { ...tally }, nextLine: Math.min(...running.values(), nextLine) })
      },
      (error: unknown) => {
        failure ??= { error }
      },
    )
    running.set(sent, batch[0]?.line ?? nextLine)
    if (running.size >= atOnce) await Promise.race(running.keys())
    if (failure) throw failure.error
  }

  let batch: Pending[] = []
  let characters = 0
  try {
    for await (const line of lines) {
      signal.throwIfAborted()
      if (line.line < fromLine) continue
      if ('problem' in line) {
        fail(line.line, line.problem)
        continue
      }
      const size = JSON.stringify(line.device).length
      if (batch.length === devicesAtOnce || (batch.length > 0 && characters + size > charactersAtOnce)) {
        await start(batch)
        batch = []
        characters = 0
      }
      batch.push({ line: line.line, device: line.device })
      characters += size
    }
  } finally {
    // Lines before one that cannot be read are imported too.
    if (batch.length > 0 && !signal.aborted && !failure) await start(batch)
    await Promise.all(running.keys())
  }
  if (failure) throw failure.error
  return { ...tally }
}

const patchOf = ({ tags, desired }: DeviceLine) => ({
  ...(tags && { tags }),
  ...(desired && { properties: { desired } }),
})

const inputOf = (device: DeviceLine): CreateDeviceInput => ({ deviceId: device.deviceId, twin: patchOf(device) })
