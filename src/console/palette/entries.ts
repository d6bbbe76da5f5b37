import type { IconName } from '../ui/icon-paths.ts'

/** What the palette offers, in the order of its groups. */
export const groups = ['Actions of this page', 'Pages', 'Saved views', 'Jobs', 'Devices'] as const
export type Group = (typeof groups)[number]

/** Something to go to or to do. */
export type Entry = {
  /** Unique among all entries. */
  readonly id: string
  readonly group: Group
  readonly name: string
  /** More about it, such as the status of a job. */
  readonly hint?: string | undefined
  readonly icon?: IconName | undefined
  readonly run: () => void
}

/** The entries whose names have all words of the text, in upper or lower case; first those that begin with the text. */
export function matching(entries: readonly Entry[], text: string): readonly Entry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const found = entries.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)))
  const begins = ({ name }: Entry): boolean => name.toLowerCase().startsWith(words.join(' '))
  return found.toSorted((a, b) => Number(begins(b)) - Number(begins(a)))
}

/** The entries by group, without empty groups, and in the order in which the arrow keys go through them. */
export function grouped(
  entries: readonly Entry[],
): readonly { readonly group: Group; readonly entries: readonly Entry[] }[] {
  return groups.flatMap((group) => {
    const own = entries.filter((entry) => entry.group === group)
    return own.length === 0 ? [] : [{ group, entries: own }]
  })
}
