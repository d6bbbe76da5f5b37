import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Config } from '../config.ts'
import { readIfThere } from '../data-folder.ts'
import { parseCertificateTime } from '../date-time.ts'
import { loadDeviceCa, loadOwnCertificate } from '../tls/certificate.ts'
import { type Finding, ok, problem, reasonOf, warning } from './finding.ts'

const day = 86_400_000
/** Days before the end of a certificate from which on it is worth a warning. */
const soon = 30

/** Checks the certificates that the hub uses. */
export async function checkCertificates(
  { tls, x509CaPath, dataDir, hubHostName }: Pick<Config, 'tls' | 'x509CaPath' | 'dataDir' | 'hubHostName'>,
  now: Date,
): Promise<readonly Finding[]> {
  const own = tls && (await readOr(() => loadOwnCertificate(tls).then(({ cert }) => cert), 'certificate'))
  const ca = tls === undefined ? await readIfThere(join(dataDir, 'ca.pem')) : undefined
  const devices = x509CaPath && (await readOr(() => loadDeviceCa(x509CaPath), 'X509_CA'))
  return [
    ...(typeof own === 'object' ? [own] : []),
    ...(typeof own === 'string' ? [judgeEnd('certificate', own, now), judgeName(own, hubHostName)] : []),
    ...(ca === undefined ? [] : [judgeEnd('ca.pem', ca, now)]),
    ...(typeof devices === 'object' ? [devices] : []),
    ...(typeof devices === 'string' ? splitPem(devices).map((pem) => judgeEnd('X509_CA', pem, now)) : []),
  ]
}

async function readOr(read: () => Promise<string>, check: string): Promise<string | Finding> {
  try {
    return await read()
  } catch (error) {
    return problem(check, reasonOf(error), 'The hub does not start with it. A hub that runs keeps the one before.')
  }
}

const splitPem = (text: string): readonly string[] =>
  text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []

function judgeEnd(check: string, pem: string, now: Date): Finding {
  const certificate = certificateIn(pem)
  if (certificate === undefined) return problem(check, 'It is not a PEM certificate.', 'Restore the file.')
  const end = parseCertificateTime(certificate.validTo)
  const days = end === undefined ? Number.NaN : Math.floor((end.getTime() - now.getTime()) / day)
  const name = certificate.subject.replaceAll('\n', ', ')
  const until = `${name} is valid until ${end?.toISOString().slice(0, 10)}`
  if (days >= soon) return ok(check, `${until}.`)
  const advice = 'Replace it; a running hub reads the new one by itself.'
  return days >= 0
    ? warning(check, `${until}, ${days} more days.`, advice)
    : problem(check, `${name} has expired.`, advice)
}

function judgeName(pem: string, host: string): Finding {
  const certificate = certificateIn(pem)
  const isNamed = (isIP(host) === 0 ? certificate?.checkHost(host) : certificate?.checkIP(host)) !== undefined
  return isNamed
    ? ok('host name', `The certificate is for HUB_HOST_NAME, ${host}.`)
    : problem(
        'host name',
        `The certificate is not for HUB_HOST_NAME, ${host}.`,
        'Set HUB_HOST_NAME to one of its names.',
      )
}

function certificateIn(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}
