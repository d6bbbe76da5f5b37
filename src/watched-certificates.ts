import { X509Certificate } from 'node:crypto'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { parseCertificateTime } from './date-time.ts'
import type { Log } from './log/log.ts'
import type { Metrics } from './metrics/metrics.ts'
import { loadDeviceCa, loadOrMakeCertificate } from './tls/certificate.ts'
import { watchFile } from './watched-file.ts'

/** What the TLS ports use: the hub's certificate and key, and the authorities that sign certificates of devices. */
export type Certificates = {
  readonly cert: string
  readonly key: string
  /** Undefined when devices have no authorities. */
  readonly deviceCa: string | undefined
}

/** Certificates that are read again when their files change. */
export type WatchedCertificates = {
  /** Those in use. */
  current(): Certificates
  /** Calls `changed` now, and whenever other certificates are in use. */
  listen(changed: (certificates: Certificates) => void): void
  /** Reads the files now. Whether they can be used; if not, it is logged, and nothing changes. Never rejects. */
  reload(): Promise<boolean>
  close(): void
}

/**
 * The certificates of the hub: TLS_CERT and TLS_KEY, or one of its own CA in `folder`, and X509_CA. At the start,
 * certificates that cannot be used are an error; later, those in use stay.
 * @throws CertificateError
 */
export async function openCertificates(
  { clock, log, metrics }: { readonly clock: Clock; readonly log: Log; readonly metrics?: Metrics | undefined },
  {
    folder,
    hostNames,
    tls,
    x509CaPath,
  }: Pick<Config, 'tls' | 'x509CaPath'> & {
    readonly folder: string
    readonly hostNames: readonly string[]
  },
): Promise<WatchedCertificates> {
  const read = async (): Promise<Certificates> => {
    const { cert, key } = await loadOrMakeCertificate(folder, { hostNames, own: tls, now: clock.now() })
    const deviceCa = x509CaPath === undefined ? undefined : await loadDeviceCa(x509CaPath)
    const end = parseCertificateTime(new X509Certificate(cert).validTo)
    if (end !== undefined) metrics?.set('twincast_certificate_end_time_seconds', {}, end.getTime() / 1_000)
    metrics?.set('twincast_certificate_valid', {}, 1)
    return { cert, key, deviceCa }
  }
  const listeners = new Set<(certificates: Certificates) => void>()
  const reload = async (): Promise<boolean> => {
    try {
      const next = await read()
      const isOther = next.cert !== current.cert || next.key !== current.key || next.deviceCa !== current.deviceCa
      current = next
      if (!isOther) return true
      for (const changed of listeners) changed(next)
      log.info({ until: new X509Certificate(next.cert).validTo }, 'new connections get other certificates')
      return true
    } catch (error) {
      metrics?.set('twincast_certificate_valid', {}, 0)
      log.error({ err: error }, 'certificates could not be reloaded; the current ones stay in use')
      return false
    }
  }
  // One reading at a time, so that an older one cannot replace a newer one.
  let reading: Promise<unknown> = Promise.resolve()
  const reloadInTurn = (): Promise<boolean> => {
    const turn = reading.then(reload)
    reading = turn
    return turn
  }
  const paths = [tls?.certPath, tls?.keyPath, x509CaPath].flatMap((path) => path ?? [])
  const watched = paths.map((path) => watchFile({ clock, log }, path, async () => void (await reloadInTurn())))
  const close = (): void => {
    for (const file of watched) file.close()
  }
  let current: Certificates
  try {
    current = await read()
  } catch (error) {
    close()
    throw error
  }
  return {
    current: () => current,
    listen(changed) {
      listeners.add(changed)
      changed(current)
    },
    reload: reloadInTurn,
    close,
  }
}
