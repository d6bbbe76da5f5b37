import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { loadOrMakeCertificate } from '../../src/tls/certificate.ts'

/** The files that TLS_CERT and TLS_KEY name in a folder. */
export const tlsPairIn = (folder: string): { readonly TLS_CERT: string; readonly TLS_KEY: string } => ({
  TLS_CERT: join(folder, 'cert.pem'),
  TLS_KEY: join(folder, 'key.pem'),
})

/** Writes a new certificate and its key into these files; answers its fingerprint. */
export async function writeTlsPair({ TLS_CERT, TLS_KEY }: ReturnType<typeof tlsPairIn>): Promise<string> {
  const other = await mkdtemp(join(tmpdir(), 'twincast-pair-'))
  const { cert, key } = await loadOrMakeCertificate(other, { hostNames: [], now: new Date() })
  await Promise.all([writeFile(TLS_CERT, cert), writeFile(TLS_KEY, key)])
  await rm(other, { recursive: true })
  return new X509Certificate(cert).fingerprint256
}

/** The fingerprint of the certificate that a server shows at an address. */
export async function shownFingerprint(address: string): Promise<string> {
  const socket = connect({ port: Number(new URL(address).port), host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}
