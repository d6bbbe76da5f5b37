import { connectionStringOf, hubNameOf } from './connection-string.ts'
import { Secret } from './secret.tsx'

/** The connection string of a device, to copy. */
export function ConnectionSecret({ deviceId, primaryKey }: { readonly deviceId: string; readonly primaryKey: string }) {
  return <Secret label="Connection string" value={connectionStringOf(hubName, deviceId, primaryKey)} />
}

const hubName = hubNameOf(
  document.querySelector<HTMLMetaElement>('meta[name="hub-host-name"]')?.content,
  location.hostname,
)
