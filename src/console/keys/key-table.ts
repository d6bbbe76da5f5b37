type Entry = {
  /**
   * One key, or two that are pressed one after the other, with a blank between them. A key is written as
   * `KeyboardEvent.key` names it. `Mod+` is Ctrl, on a Mac Command.
   */
  readonly keys: string
  readonly does: string
}

/** All keys of the console, and what they do. The listener and the list of keys read this table. */
export const keyTable = {
  palette: { keys: 'Mod+k', does: 'Find a page, job, device or action' },
  list: { keys: '?', does: 'Show the keys of this page' },
  close: { keys: 'Escape', does: 'Close a dialog, or leave a field or row' },
  jobs: { keys: 'g j', does: 'Go to Jobs' },
  schedule: { keys: 'g s', does: 'Go to Schedule' },
  devices: { keys: 'g d', does: 'Go to Devices' },
  audit: { keys: 'g a', does: 'Go to Audit' },
  webhooks: { keys: 'g w', does: 'Go to Webhooks' },
  filter: { keys: '/', does: 'Go to the filter or condition' },
  next: { keys: 'j', does: 'Go to the next row' },
  previous: { keys: 'k', does: 'Go to the previous row' },
  open: { keys: 'Enter', does: 'Open the row' },
  select: { keys: 'x', does: 'Select the row' },
  suggest: { keys: 'Ctrl+Space', does: 'Show suggestions for a condition' },
  review: { keys: 'Mod+Enter', does: 'Review the job' },
} as const satisfies Readonly<Record<string, Entry>>

/** An entry of the table. */
export type KeyName = keyof typeof keyTable

/** All entries, in the order of the table. */
export const keyNames: readonly KeyName[] = Object.keys(keyTable).filter((name): name is KeyName => name in keyTable)

/**
 * Whether the entry begins with a character without a modifier. People who control a computer by speech press such keys
 * by accident, so these can be turned off (WCAG 2.1.4).
 */
export const isCharacterKey = (name: KeyName): boolean => /^\S( |$)/.test(keyTable[name].keys)

/** The part of a `KeyboardEvent` that matters here. */
export type KeyPress = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>

/** A pressed key as the table writes it; undefined for one with other modifiers. */
export function readPress({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyPress, isMac: boolean): string | undefined {
  const [isModified, isOther] = isMac ? [metaKey, ctrlKey] : [ctrlKey, metaKey]
  if (altKey || isOther) return undefined
  const isLetter = key.length === 1 && key.toLowerCase() !== key.toUpperCase()
  // Whether any other character needs Shift depends on the layout of the keyboard.
  if (shiftKey && (isLetter || key.length > 1)) return undefined
  return `${isModified ? 'Mod+' : ''}${isLetter ? key.toLowerCase() : key}`
}

/**
 * The entry among `names` that a press completes, or that the press is the first of two keys. `first`: the key that was
 * pressed as the first of two.
 */
export function findKey(
  press: string,
  first: string | undefined,
  names: readonly KeyName[],
): { readonly name: KeyName } | { readonly first: string } | undefined {
  const pressed = first === undefined ? press : `${first} ${press}`
  const name = names.find((one) => keyTable[one].keys === pressed)
  if (name !== undefined) return { name }
  const isFirst = first === undefined && names.some((one) => keyTable[one].keys.startsWith(`${press} `))
  return isFirst ? { first: press } : undefined
}

/** The keys of an entry as a keyboard has them: presses one after the other, each of one or more keys at once. */
export function spellKeys(name: KeyName, isMac: boolean): readonly (readonly string[])[] {
  const words: Readonly<Record<string, string>> = {
    Mod: isMac ? '⌘' : 'Ctrl',
    Escape: 'Esc',
    k: name === 'palette' ? 'K' : 'k',
  }
  return keyTable[name].keys.split(' ').map((press) => press.split('+').map((key) => words[key] ?? key))
}

/** An entry of one press as the attribute `aria-keyshortcuts` has it. The attribute cannot express two presses. */
export const ariaKeys = (name: KeyName): string =>
  keyTable[name].keys.startsWith('Mod+')
    ? keyTable[name].keys.replace(/^Mod\+(.*)$/, 'Control+$1 Meta+$1')
    : keyTable[name].keys
