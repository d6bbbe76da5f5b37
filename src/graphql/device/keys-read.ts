import DataLoader from 'dataloader'
import { noteKeysRead } from '../../audit/commands.ts'
import type { Context } from '../context.ts'

const readers = new WeakMap<Context, DataLoader<string, null>>()

/**
 * Writes into the audit that the caller reads the keys of a device: one entry for all devices of one turn. Keys may be
 * sent only after this has resolved.
 */
export async function noteKeyRead(context: Context, deviceId: string): Promise<void> {
  const reader = readers.get(context) ?? makeReader(context)
  readers.set(context, reader)
  await reader.load(deviceId)
}

function makeReader({ deps, viewer, address }: Context): DataLoader<string, null> {
  return new DataLoader(
    async (deviceIds) => {
      await noteKeysRead(deps, { actor: viewer, address }, [...new Set(deviceIds)])
      return deviceIds.map(() => null)
    },
    { cache: false },
  )
}
