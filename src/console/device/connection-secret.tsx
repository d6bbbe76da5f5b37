import { Secret, type SecretProps } from '../ui/secret.tsx'
import { connectionStringOf, hubNameOf, mqttsPortOf } from './connection-string.ts'

/** The connection string of a device, to copy. */
export function ConnectionSecret({
  deviceId,
  primaryKey,
  onReveal,
}: { readonly deviceId: string; readonly primaryKey: string } & Pick<SecretProps, 'onReveal'>) {
  const value = connectionStringOf(hub, deviceId, primaryKey)
  return <Secret label="Connection string" value={value} onReveal={onReveal} />
}

const written = (name: string): string | undefined =>
  document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content

const hub = {
  hubName: hubNameOf(written('hub-host-name'), location.hostname),
  mqttsPort: mqttsPortOf(written('mqtts-port')),
}
