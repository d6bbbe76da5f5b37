/** The quality that an `Accept-Encoding` header (RFC 9110, 12.5.3) gives the content coding: 0 if it does not name it. */
function qualityOf(header: string | string[] | undefined, coding: string): number {
  for (const item of String(header ?? '').split(',')) {
    const [name, ...parameters] = item.split(';').map((part) => part.trim().toLowerCase())
    if (name !== coding) continue
    const quality = parameters.find((parameter) => parameter.startsWith('q='))
    return quality === undefined ? 1 : Number(quality.slice(2)) || 0
  }
  return 0
}

/** Whether an `Accept-Encoding` header names the content coding and does not refuse it. */
export const acceptsCoding = (header: string | string[] | undefined, coding: string): boolean =>
  qualityOf(header, coding) > 0

/** The coding that the header prefers; among equal ones, the first in the list. Undefined when it accepts none of them. */
export function preferredCoding<Coding extends string>(
  header: string | string[] | undefined,
  codings: readonly Coding[],
): Coding | undefined {
  let best: Coding | undefined
  for (const coding of codings) {
    if (qualityOf(header, coding) > (best === undefined ? 0 : qualityOf(header, best))) best = coding
  }
  return best
}
