import { InvalidInputError } from '../errors.ts'
import type { JsonObject } from '../json/json.ts'
import type { Limits } from '../limits/limits.ts'
import { type SectionSize, sizeOf } from './size.ts'

/** The sections, each of which has a size limit. */
export type SectionName = 'tags' | 'desired' | 'reported'

/** The hub's own limits, in addition to those of IoT Hub. */
export type TwinLimits = Pick<Limits, 'twinBytes' | 'twinMembers'>

/** The limits of Azure IoT Hub, in bytes by its own measure. */
const maxSectionSize: Readonly<Record<SectionName, number>> = { tags: 8192, desired: 32768, reported: 32768 }

/**
 * Refuses a section that is too large. Must be called with the result of a merge: two small patches may add up. A
 * section that was too large `before`, because an earlier version let it grow, is accepted as long as it gets smaller.
 *
 * IoT Hub's measure gives control characters, `[]`, `{}` and `""` no weight, so it bounds neither the text of a section
 * nor its metadata, which has some 80 bytes per member; nor numbers near zero, whose digits the database prints in
 * full. The other two limits do. Ordinary sections fit: a number weighs 8 and has some 24 characters, so a section's
 * text is less than four times its weight; and a key with its value weighs eight bytes or more on average, so that 32
 * KB have no more than 4,096 members.
 */
export function checkSectionSize(
  merged: JsonObject,
  section: SectionName,
  {
    path,
    limits,
    before,
  }: { readonly path: readonly string[]; readonly limits: TwinLimits; readonly before?: JsonObject },
): void {
  const size = sizeOf(merged)
  const most = largest(section, limits)
  const over = measures.filter((measure) => size[measure] > most[measure])
  const [first] = over
  if (first === undefined) return
  if (before !== undefined) {
    const earlier = sizeOf(before)
    if (over.every((measure) => size[measure] < earlier[measure])) return
  }
  throw new InvalidInputError(path, `The ${section} section ${faultOf(first, size, most)}.`)
}

/** Bytes of a twin as text, including metadata, that no twin within the limits exceeds. A larger one is not read. */
export const maxTwinBytes = ({ twinBytes, twinMembers }: TwinLimits): number => 4 * (2 * twinBytes + 100 * twinMembers)

const measures = ['weight', 'members', 'bytes'] as const

function largest(section: SectionName, { twinBytes, twinMembers }: TwinLimits): SectionSize {
  const weight = maxSectionSize[section]
  return { weight, members: twinMembers, bytes: (twinBytes * weight) / maxSectionSize.desired }
}

function faultOf(measure: keyof SectionSize, size: SectionSize, most: SectionSize): string {
  switch (measure) {
    case 'weight':
      return `would have ${size.weight} bytes. At most ${most.weight / 1024} KB are allowed`
    case 'members':
      return `would have ${size.members} members. At most ${most.members} are allowed`
    case 'bytes':
      return `would have ${size.bytes} bytes of JSON text. At most ${most.bytes / 1024} KB are allowed`
  }
}
